"""Exercise 18.1: features to a power, with the length of every token kept."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

N, D = 7, 5  # tokens, channels


def right(x: Tensor, power: float) -> Tensor:
    """Token by token. x (N, D) -> (N, D)."""
    out = torch.zeros_like(x)
    for n, row in enumerate(x):
        y = [max(c, 0.0) for c in row.tolist()]
        length, other = sum(c * c for c in y) ** 0.5, sum(c ** (2 * power) for c in y) ** 0.5
        if other > 0:
            out[n] = torch.tensor([c ** power * length / other for c in y], dtype=x.dtype)
    return out


def _length(x: Tensor, dim: int | None = -1) -> Tensor:
    return (x.norm(dim=dim, keepdim=True) if dim is not None else x.norm()).clamp_min(1e-12)


def _power(x: Tensor, power: float) -> Tensor:
    return x.relu() ** power


def _signed(x: Tensor, power: float) -> Tensor:
    return x.sign() * x.abs() ** power


WRONG: dict[str, Answer] = {
    "when lengths are not kept": lambda x, p: _power(x, p),
    "when every token gets length 1": lambda x, p: _power(x, p) / _length(_power(x, p)),
    "when the length of x before relu is kept": lambda x, p: _power(x, p) * _length(x) / _length(_power(x, p)),
    "when one length is kept for the whole table":
        lambda x, p: _power(x, p) * _length(x.relu(), None) / _length(_power(x, p), None),
    "when lengths of channels are kept, not of tokens":
        lambda x, p: _power(x, p) * _length(x.relu(), 0) / _length(_power(x, p), 0),
    "when the power is forgotten": lambda x, p: x.relu(),
    "when relu is forgotten, and the signs are kept": lambda x, p: _signed(x, p) * _length(x) / _length(_signed(x, p)),
    "when the absolute value is taken in place of relu":
        lambda x, p: x.abs() ** p * _length(x) / _length(x.abs() ** p),
    "when the sum of the channels is kept, not the length": lambda x, p: _power(x, p) * x.relu().sum(-1, True) / (
        _power(x, p).sum(-1, True).clamp_min(1e-12)),
    "when the ratio of the lengths is upside down":
        lambda x, p: _power(x, p) * _length(_power(x, p)) / _length(x.relu()),
    "when the largest channel is kept, not the length": lambda x, p: _power(x, p) * x.relu().amax(-1, True) / (
        _power(x, p).amax(-1, True).clamp_min(1e-12)),
    "when the power is always 2": lambda x, p: _power(x, 2) * _length(x.relu()) / _length(_power(x, 2)),
    "when a root is taken, not a power": lambda x, p: _power(x, 1 / p) * _length(x.relu()) / _length(_power(x, 1 / p)),
    "when the power is one too small": lambda x, p: _power(x, p - 1) * _length(x.relu()) / _length(_power(x, p - 1)),
}


def table(seed: int) -> tuple[Any, ...]:
    """Tokens, one of them without a positive channel, and a power."""
    x = normal(seed, N, D)
    x[2] = -x[2].abs() - 0.1
    return x, (3.0, 2.5, 4.0)[seed % 3]


def keeps_lengths(a: Attempt) -> Finding | None:
    """Every token is as long as relu(x)."""
    x, _ = a.given
    off = first_difference(a.got.norm(dim=-1), x.relu().norm(dim=-1), 1e-6)
    return None if off is None else Finding(
        f"token {off.place} should have the length of relu(x), {off.wanted}; yours has {off.got}",
        "Multiply by the length of relu(x), and divide by the length of its power, token by token.", True)


sharpened = Exercise(
    "sharpened", "18.1", right, table, (*FIRST, keeps_lengths, *LAST), WRONG,
    "The largest channels of a token grow, and its length stays.")
