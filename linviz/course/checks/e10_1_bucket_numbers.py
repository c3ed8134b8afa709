"""Exercise 10.1: the bucket of a vector, by random directions and their opposites."""
from __future__ import annotations

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .pairs import dot
from .samples import normal

N, D, M = 41, 5, 3


def vectors(seed: int) -> tuple[Tensor, ...]:
    """Vectors (N, D), and directions (D, M) of different lengths."""
    return normal(seed, N, D), normal(seed + 10, D, M)


def right(x: Tensor, R: Tensor) -> Tensor:
    """Vector by vector. x (N, D), R (D, M) -> (N,) int64."""
    out = []
    for row in x:
        fit = [dot(row, R[:, m]) for m in range(R.shape[1])]
        fit += [-y for y in fit]
        out.append(fit.index(max(fit)))
    return torch.tensor(out)


def _both(x: Tensor, R: Tensor) -> Tensor:
    return torch.cat((x @ R, -x @ R), -1)


WRONG = {
    "when the opposite directions are left out": lambda x, R: (x @ R).argmax(-1),
    "when the smallest is taken, not the largest, or when the opposite directions come first":
        lambda x, R: _both(x, R).argmin(-1),
    "when opposite directions share a bucket": lambda x, R: (x @ R).abs().argmax(-1),
    "when every direction is followed by its opposite":
        lambda x, R: torch.stack((x @ R, -x @ R), -1).flatten(1).argmax(-1),
    "when directions are brought to length one first": lambda x, R: _both(x, R / R.norm(dim=0)).argmax(-1),
    "when buckets are counted from 1": lambda x, R: _both(x, R).argmax(-1) + 1,
    "when the signs of all products are read as a binary number":
        lambda x, R: ((x @ R > 0).long() * 2 ** torch.arange(R.shape[1])).sum(-1),
    "when positive products are counted": lambda x, R: (x @ R > 0).sum(-1),
    "when the nearest end of a direction is taken, by distance": lambda x, R: torch.cdist(
        x, torch.cat((R, -R), -1).mT).argmin(-1),
    "when only the first direction is used": lambda x, R: (x @ R[:, 0] < 0).long(),
    "when the last direction is left out": lambda x, R: _both(x, R[:, :-1]).argmax(-1),
    "when only the opposite directions are used": lambda x, R: (-x @ R).argmax(-1) + R.shape[1],
    "when the order of the directions is reversed": lambda x, R: _both(x, R.flip(-1)).argmax(-1),
}


def along_a_direction(a: Attempt) -> Finding | None:
    """A vector along a direction has its number; the opposite vector that of the opposite direction."""
    x, R = a.given
    square = torch.eye(x.shape[1], dtype=x.dtype)[:, :R.shape[1]]
    ends = torch.cat((square, -square), -1).mT
    got = a.ask(ends, square).tolist()
    for n, bucket in enumerate(got):
        if bucket != n:
            kind = "direction" if n < R.shape[1] else "the opposite of direction"
            return Finding(f"a vector along {kind} {n % R.shape[1]} should be in bucket {n}; yours is in {bucket}",
                           f"There are {2 * R.shape[1]} buckets: the directions first, then their opposites.", True)
    return None


def long_directions(a: Attempt) -> Finding | None:
    """The longer of two directions wins more often: R is used as it is."""
    x, R = a.given
    R = R.clone()
    R[:, 1] *= 1e6
    wanted, got = right(x, R), a.ask(x, R)
    off = int((wanted != got).sum())
    return None if off == 0 else Finding(
        f"with direction 1 much longer than the others, {off} of {len(x)} vectors are in another bucket than they "
        "should be", "Use x @ R as it is: the directions of Reformer are random and have different lengths.", True)


bucket_numbers = Exercise(
    "bucket_numbers", "10.1", right, vectors, (*FIRST, along_a_direction, long_directions, *LAST), WRONG,
    "Each vector has found its bucket alone, without being compared with any other.")
