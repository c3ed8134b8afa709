"""Exercise 16.3: the disparity of every patch, by attention along its epipolar line."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

Y, X, D = 3, 6, 4  # rows, columns, channels


def right(q: Tensor, k: Tensor) -> Tensor:
    """Patch by patch. q (Y, X, D) of the left picture, k (Y, X, D) of the right one -> (Y, X)."""
    out = torch.zeros(q.shape[:2], dtype=q.dtype)
    for y in range(q.shape[0]):
        for x in range(q.shape[1]):
            weight = torch.stack([(q[y, x] * key).sum() for key in k[y]]).softmax(0)
            out[y, x] = x - sum(j * w for j, w in enumerate(weight))
    return out


def shift_of(q: Tensor, k: Tensor, *, sign: float = 1, best: bool = False, dim: int = -1, first: float = 0.0,
             scores: float = 1.0) -> Tensor:
    """The same with one thing done differently."""
    s = scores * torch.einsum("yxd,yjd->yxj", q, k)
    column = torch.arange(q.shape[1], dtype=q.dtype)
    if best:
        return column - s.argmax(-1)
    return sign * (column - s.softmax(dim) @ (column + first))


def _everywhere(q: Tensor, k: Tensor) -> Tensor:
    rows, columns, _ = q.shape
    weight = (q.flatten(0, 1) @ k.flatten(0, 1).mT).softmax(-1).view(rows, columns, rows, columns).sum(2)
    return torch.arange(columns, dtype=q.dtype) - weight @ torch.arange(columns, dtype=q.dtype)


def _along_columns(q: Tensor, k: Tensor) -> Tensor:
    row = torch.arange(q.shape[0], dtype=q.dtype)
    weight = torch.einsum("yxd,jxd->yxj", q, k).softmax(-1)
    return row[:, None] - weight @ row


def _columns(q: Tensor, k: Tensor) -> Tensor:
    return torch.arange(q.shape[1], dtype=q.dtype) - shift_of(q, k)


def _distance(q: Tensor, k: Tensor) -> Tensor:
    column = torch.arange(q.shape[1], dtype=q.dtype)
    return ((q @ k.mT).softmax(-1) * (column[:, None] - column).abs()).sum(-1)


def _no_exponential(q: Tensor, k: Tensor) -> Tensor:
    column, s = torch.arange(q.shape[1], dtype=q.dtype), q @ k.mT
    return column - s / s.sum(-1, keepdim=True) @ column


WRONG: dict[str, Answer] = {
    "when the sign is turned: the match minus the column": lambda q, k: shift_of(q, k, sign=-1),
    "when the column of the match is returned, not the difference": _columns,
    "when the best match is taken, not the mean over all matches": lambda q, k: shift_of(q, k, best=True),
    "when patches of all rows take part": _everywhere,
    "when matches are sought along columns, not along rows": _along_columns,
    "when the softmax goes over the queries of a row": lambda q, k: shift_of(q, k, dim=1),
    "when the softmax goes over the rows": lambda q, k: shift_of(q, k, dim=0),
    "when queries and keys are exchanged": lambda q, k: shift_of(k, q),
    "when columns are counted from 1 for the match only": lambda q, k: shift_of(q, k, first=1.0),
    "when scores are divided by the root of D, which the task does not ask for":
        lambda q, k: shift_of(q, k, scores=q.shape[-1] ** -0.5),
    "when every patch of the row counts equally": lambda q, k: shift_of(q, k, scores=0.0),
    "when the sign is dropped": lambda q, k: shift_of(q, k).abs(),
    "when every match counts with its distance, without its sign": _distance,
    "when scores are divided by their sum, without the exponential": _no_exponential,
    "when the right picture is matched with itself": lambda q, k: shift_of(k, k),
}


def pair(seed: int) -> tuple[Any, ...]:
    """Descriptors of a left and a right picture."""
    return 1.5 * normal(seed, Y, X, D), normal(seed + 10, Y, X, D)


def finds_a_shift(a: Attempt) -> Finding | None:
    """A right picture in which everything has moved two columns to the left."""
    one = 30 * torch.eye(X, dtype=torch.float64).expand(Y, X, X)
    got = a.ask(one, one.roll(-2, 1))[:, 2:]
    off = first_difference(got, torch.full_like(got, 2.0), 1e-6)
    return None if off is None else Finding(
        f"everything moved 2 columns to the left: the disparity should be {off.wanted}; yours has {off.got}",
        "The disparity is the column in the left picture minus the mean column of the matches.", True)


soft_disparity = Exercise(
    "soft_disparity", "16.3", right, pair, (*FIRST, finds_a_shift, *LAST), WRONG,
    "Depth without a network: near things have a large disparity.")
