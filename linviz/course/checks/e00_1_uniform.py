"""Exercise 0.1: the simplest map there is."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import is_finite, matches_shape, returns_tensors

NEAR = 1e-6  # made from whole numbers alone, so float32


def right(N: int, S: int) -> Tensor:
    """Weight by weight: every query gives every key one part in S. (N, S)."""
    return torch.tensor([[1 / S for _ in range(S)] for _ in range(N)])


WRONG = {
    "when every weight is 1, so that rows do not sum to one": lambda N, S: torch.ones(N, S),
    "when it is divided by the number of queries, not of keys": lambda N, S: torch.full((N, S), 1 / N),
    "when the whole table sums to one, not each row": lambda N, S: torch.full((N, S), 1 / (N * S)),
    "when queries and keys are exchanged": lambda N, S: torch.full((S, N), 1 / S),
    "when queries and keys are exchanged and columns sum to one":
        lambda N, S: torch.full((S, N), 1 / N),
    "when only one row comes back": lambda N, S: torch.full((S,), 1 / S),
    "when only one column comes back": lambda N, S: torch.full((N,), 1 / S),
    "when every query looks only at the key with its own index": lambda N, S: torch.eye(N, S),
    "when every query looks at the first key only": lambda N, S: torch.eye(1, S).expand(N, S),
    "when the weights are powers, 1 over the root of the number of keys": lambda N, S: torch.full((N, S), S**-0.5),
    "when the weights grow from key to key": lambda N, S: (torch.arange(1, S + 1) / (S * (S + 1) / 2)).expand(N, S),
    "when whole numbers are divided without a remainder": lambda N, S: torch.ones(N, S, dtype=torch.long) // S,
    "when the weights are random and divided by their sum":
        lambda N, S: torch.rand(N, S, generator=torch.Generator().manual_seed(0)).softmax(-1),
}


def numbers(a: Attempt) -> Finding | None:
    """Weights are fractions, not whole numbers."""
    return None if a.got.is_floating_point() else Finding(
        f"weights are fractions; yours are whole numbers ({a.got.dtype})", "For example torch.ones(N, S) / S.", True)


def rows(a: Attempt) -> Finding | None:
    off = row_difference(a.got.double().sum(-1), 1.0, NEAR, ".3g")
    return None if off is None else Finding(
        f"a row sums to one: a query has one unit of attention to give; your row {off.place} sums to {off.got}",
        f"Here this unit is divided among {a.given[1]} keys.", True)


def alike(a: Attempt) -> Finding | None:
    off = first_difference(a.got, a.expected, NEAR, ".3f")
    return None if off is None else Finding(
        f"all {a.given[1]} keys of a row get the same weight, {off.wanted}; yours at [{off.place}] gets {off.got}",
        "No key may get more than another.", True)


uniform = Exercise(
    "uniform", "0.1", right, lambda seed: ((5, 4), (3, 7), (6, 2))[seed % 3],
    (returns_tensors, numbers, matches_shape, is_finite, rows, alike), WRONG,
    "Every row sums to one, and no key is preferred.", relative=NEAR)
