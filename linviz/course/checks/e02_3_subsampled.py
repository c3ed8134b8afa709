"""Exercise 2.3: a non-local block with sub-sampled keys and values."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .outputs import sums_to_one
from .pairs import mix_pairs
from .samples import E, M, N, normal

Y, X = 4, 6


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Square by square. q (N, D), k (Y, X, D), v (Y, X, E) -> (N, E)."""
    keys, values = (torch.stack([x[2 * y:2 * y + 2, 2 * z:2 * z + 2].reshape(4, -1).max(0).values
                                 for y in range(Y // 2) for z in range(X // 2)]) for x in (k, v))
    return mix_pairs(lambda query, key: math.exp((query * key).sum().item()), q, keys, values)


def _squares(x: Tensor) -> Tensor:
    """(Y, X, C) -> (Y/2, X/2, 4, C)."""
    return x.unflatten(1, (-1, 2)).unflatten(0, (-1, 2)).transpose(1, 2).flatten(2, 3)


def _most(x: Tensor) -> Tensor:
    return _squares(x).amax(2).flatten(0, 1)


def _mean(x: Tensor) -> Tensor:
    return _squares(x).mean(2).flatten(0, 1)


def _mix(q: Tensor, k: Tensor, v: Tensor, scale: float = 1.0) -> Tensor:
    return (q @ k.mT * scale).softmax(-1) @ v


def _runs(x: Tensor) -> Tensor:
    return x.flatten(0, 1).unflatten(0, (-1, 4)).amax(1)


WRONG = {
    "with the mean of each square in place of the largest": lambda q, k, v: _mix(q, _mean(k), _mean(v)),
    "with the mean for keys and the largest for values": lambda q, k, v: _mix(q, _mean(k), _most(v)),
    "with the largest for keys and the mean for values": lambda q, k, v: _mix(q, _most(k), _mean(v)),
    "with the smallest of each square": lambda q, k, v: _mix(q, -_most(-k), -_most(-v)),
    "without sub-sampling": lambda q, k, v: _mix(q, k.flatten(0, 1), v.flatten(0, 1)),
    "when the first patch of each square is taken":
        lambda q, k, v: _mix(q, k[::2, ::2].flatten(0, 1), v[::2, ::2].flatten(0, 1)),
    "when the largest of four patches in a row is taken, not of a square":
        lambda q, k, v: _mix(q, _runs(k), _runs(v)),
    "when only pairs of rows are pooled": lambda q, k, v:
        _mix(q, k.unflatten(0, (-1, 2)).amax(1).flatten(0, 1), v.unflatten(0, (-1, 2)).amax(1).flatten(0, 1)),
    "when only pairs of columns are pooled": lambda q, k, v:
        _mix(q, k.unflatten(1, (-1, 2)).amax(2).flatten(0, 1), v.unflatten(1, (-1, 2)).amax(2).flatten(0, 1)),
    "when rows are pooled with rows half a picture away": lambda q, k, v: _mix(
        q, k.unflatten(0, (2, -1)).amax(0).unflatten(1, (-1, 2)).amax(2).flatten(0, 1),
        v.unflatten(0, (2, -1)).amax(0).unflatten(1, (-1, 2)).amax(2).flatten(0, 1)),
    "with 1/sqrt(D), which this block does not have": lambda q, k, v: _mix(q, _most(k), _most(v), q.shape[1] ** -0.5),
    "when the scores are divided by the number of keys, without a softmax":
        lambda q, k, v: q @ _most(k).mT @ _most(v) / len(_most(k)),
    "without the softmax": lambda q, k, v: q @ _most(k).mT @ _most(v),
    "without dividing by the row's sum": lambda q, k, v: (q @ _most(k).mT).exp() @ _most(v),
    "when the softmax goes over queries": lambda q, k, v: (q @ _most(k).mT).softmax(0) @ _most(v),
    "when values are in another order than keys": lambda q, k, v: _mix(q, _most(k), _most(v).flip(0)),
    "when rows and columns are exchanged for the values":
        lambda q, k, v: _mix(q, _most(k), _most(v.transpose(0, 1))),
    "with the wrong sign": lambda q, k, v: _mix(-q, _most(k), _most(v)),
    "when the patch with the largest channel sum is taken": lambda q, k, v:
        _mix(q, _by_sum(k), _by_sum(v)),
    "when every patch outside the first row of squares is left out":
        lambda q, k, v: _mix(q, _most(k[:2]), _most(v[:2])),
}


def _by_sum(x: Tensor) -> Tensor:
    cut = _squares(x).flatten(0, 1)                                    # (S, 4, C)
    best = cut.sum(-1).argmax(1)
    return cut[torch.arange(len(cut)), best]


def pictured(seed: int) -> tuple[Tensor, ...]:
    """Inputs: queries, and keys and values arranged like the picture."""
    return normal(seed, N, M), normal(seed + 10, Y, X, M), normal(seed + 20, Y, X, E)


def squared(a: Attempt) -> Finding | None:
    """The two columns of every square may be exchanged."""
    q, k, v = a.given
    def turned(x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, 2)).flip(2).flatten(1, 2)
    return None if is_close(a.ask(q, turned(k), turned(v)), a.got, 1e-6) else Finding(
        "exchanging the two columns of every square should change nothing; yours changes",
        "Only the largest number of each 2 x 2 square counts, channel by channel.", True)


def tall(a: Attempt) -> Finding | None:
    """The two rows of every square may be exchanged."""
    q, k, v = a.given
    def turned(x: Tensor) -> Tensor:
        return x.unflatten(0, (-1, 2)).flip(1).flatten(0, 1)
    return None if is_close(a.ask(q, turned(k), turned(v)), a.got, 1e-6) else Finding(
        "exchanging the two rows of every square should change nothing; yours changes",
        "Only the largest number of each 2 x 2 square counts, channel by channel.", True)


def largest(a: Attempt) -> Finding | None:
    """Equal keys: the output is the mean of the squares' largest values."""
    q, k, v = a.given
    off = first_difference(a.ask(q, 0 * k, v)[0], _most(v).mean(0), 1e-6)
    return None if off is None else Finding(
        f"with equal keys the output should be the mean of the squares' largest values, {off.wanted}; "
        f"yours is {off.got}", "Take the largest of each square, of k and of v, channel by channel.", True)


subsampled = Exercise(
    "subsampled", "2.3", right, pictured,
    (*FIRST, sums_to_one("A softmax over the squares, the last axis of the scores."),
     tall, squared, largest, *LAST), WRONG,
    "A quarter of the keys gives a quarter of the pairs.")
