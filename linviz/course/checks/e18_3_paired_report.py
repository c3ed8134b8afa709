"""Exercise 18.3, train and report: a difference over seeds with its interval."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

SEEDS = 5


def right(mine: Tensor, control: Tensor, t: float) -> tuple[Tensor, Tensor, Tensor]:
    """Seed by seed. mine, control (S,), a factor -> the mean difference, and the ends of its interval."""
    d = [a - b for a, b in zip(mine.tolist(), control.tolist(), strict=True)]
    mean = sum(d) / len(d)
    error = math.sqrt(sum((x - mean) ** 2 for x in d) / (len(d) - 1) / len(d))
    return tuple(torch.tensor(x, dtype=mine.dtype) for x in (mean, mean - t * error, mean + t * error))  # type: ignore


def _centred(d: Tensor, error: Tensor, t: float) -> tuple[Tensor, Tensor, Tensor]:
    return d.mean(), d.mean() - t * error, d.mean() + t * error


def _root(d: Tensor) -> float:
    return len(d) ** 0.5


def _unpaired(a: Tensor, b: Tensor, t: float) -> tuple[Tensor, Tensor, Tensor]:
    return _centred(a - b, (a.var() / len(a) + b.var() / len(b)).sqrt(), t)


WRONG: dict[str, Answer] = {
    "when the two are not paired by seed": _unpaired,
    "when the spread is not divided by the root of the number of seeds":
        lambda a, b, t: _centred(a - b, (a - b).std(), t),
    "when it is divided by the number of seeds, not by its root":
        lambda a, b, t: _centred(a - b, (a - b).std() / len(a), t),
    "when the variance divides by the number of seeds, not by one less":
        lambda a, b, t: _centred(a - b, (a - b).std(correction=0) / _root(a), t),
    "when the factor t is forgotten": lambda a, b, t: _centred(a - b, (a - b).std() / _root(a), 1.0),
    "when the control minus mine is reported": lambda a, b, t: _centred(b - a, (a - b).std() / _root(a), t),
    "when the smallest and the largest difference are reported as the interval":
        lambda a, b, t: ((a - b).mean(), (a - b).min(), (a - b).max()),
    "when the interval is that of mine alone":
        lambda a, b, t: ((a - b).mean(), *_centred(a, a.std() / _root(a), t)[1:]),
    "when the spread of mine alone is taken": lambda a, b, t: _centred(a - b, a.std() / _root(a), t),
    "when the spread of the control alone is taken": lambda a, b, t: _centred(a - b, b.std() / _root(a), t),
    "when the variance is taken in place of the standard deviation":
        lambda a, b, t: _centred(a - b, (a - b).var() / _root(a), t),
    "when the median is taken in place of the mean": lambda a, b, t: _centred(
        (a - b).median(), (a - b).std() / _root(a), t),
    "when t is 1.96, the factor for very many seeds": lambda a, b, t: _centred(a - b, (a - b).std() / _root(a), 1.96),
    "when the variance over the number of seeds has no root":
        lambda a, b, t: _centred(a - b, (a - b).var() / len(a), t),
    "when std, which divides by n - 1 already, is divided by the root of n - 1":
        lambda a, b, t: _centred(a - b, (a - b).std() / (len(a) - 1) ** 0.5, t),
    "when the interval stands around 0, not around the mean":
        lambda a, b, t: ((a - b).mean(), *_centred(a - b - (a - b).mean(), (a - b).std() / _root(a), t)[1:]),
    "when the ends are returned in the wrong order": lambda a, b, t: _centred(a - b, -(a - b).std() / _root(a), t),
}


def scores(seed: int) -> tuple[Any, ...]:
    """Scores over seeds that rise and fall together, and the factor for five seeds."""
    common = normal(seed, SEEDS)
    return 0.6 + 0.05 * common + 0.01 * normal(seed + 10, SEEDS), 0.57 + 0.05 * common + 0.01 * normal(
        seed + 20, SEEDS), 2.776


def same_seeds(a: Attempt) -> Finding | None:
    """If mine is better by the same number for every seed, the interval has no width."""
    mine, _, t = a.given
    mean, low, high = a.ask(mine + 0.25, mine, t)
    off = first_difference(torch.stack([mean, low, high]), torch.full((3,), 0.25, dtype=mean.dtype), 1e-6)
    return None if off is None else Finding(
        f"better by 0.25 for every seed: mean and both ends should be {off.wanted}; yours: {off.got}",
        "Subtract seed by seed first, and look only at the differences.", True)


def rises(a: Attempt) -> Finding | None:
    """The low end lies below the mean, and the high end above it."""
    mean, low, high = a.got
    return None if low < mean < high else Finding(
        f"low end, mean and high end should rise; yours: {low:.3g}, {mean:.3g}, {high:.3g}",
        "The low end is the mean minus t times the standard error. Return the mean, the low end, the high end.", True)


paired_report = Exercise(
    "paired_report", "18.3", right, scores, (*FIRST, same_seeds, rises, *LAST), WRONG,
    "If the interval contains 0, the runs have not shown a difference.")
