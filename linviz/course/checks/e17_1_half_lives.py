"""Exercise 17.1: after how many tokens half of what was written is left."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import ratio

H = 5  # heads


def right(gamma: Tensor) -> Tensor:
    """Head by head. gamma (H,), between 0 and 1 -> tokens (H,)."""
    return torch.tensor([math.log(0.5) / math.log(g) for g in gamma.tolist()], dtype=gamma.dtype)


WRONG = {
    "when the sign is forgotten, so that half-lives are negative": lambda g: math.log(2) / g.log(),
    "when the fraction is upside down": lambda g: g.log() / math.log(0.5),
    "when the mean age 1 / (1 - gamma) is taken": lambda g: 1 / (1 - g),
    "when ln 2 / (1 - gamma) is taken, which is near only for a gamma near 1": lambda g: math.log(2) / (1 - g),
    "when the number of tokens after which 1/e is left is taken": lambda g: -1 / g.log(),
    "when a half is divided by gamma": lambda g: 0.5 / g,
    "when gamma is raised to a half": lambda g: g ** 0.5,
    "when a quarter is left, not a half": lambda g: 2 * math.log(0.5) / g.log(),
    "when the base-2 logarithm of gamma is returned": lambda g: g.log2(),
    "when two logarithms of different bases are divided": lambda g: -math.log(2) / g.log2(),
    "when the number of tokens is rounded": lambda g: (math.log(0.5) / g.log()).round(),
    "when gamma itself is returned": lambda g: g.clone(),
}


def rates(seed: int) -> tuple[Any, ...]:
    """What five heads keep from token to token: between 0 and 1."""
    return (0.6 + 0.39 * ratio(seed, H),)


def half_after(a: Attempt) -> Finding | None:
    """A head that keeps 2^(-1/n) has a half-life of n tokens."""
    n = torch.tensor([1.0, 2.0, 10.0, 100.0], dtype=torch.float64)
    off = first_difference(a.ask(2 ** (-1 / n)), n, 1e-6)
    return None if off is None else Finding(
        f"a head that halves its memory in {off.wanted} tokens should give {off.wanted}; yours gives {off.got}",
        "Solve gamma^n = 1/2 for n: take the logarithm of both sides.", True)


half_lives = Exercise(
    "half_lives", "17.1", right, rates, (*FIRST, half_after, *LAST), WRONG,
    "After two half-lives a quarter is left, after three an eighth.")
