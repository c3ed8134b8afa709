"""Exercise 7.2: directions that are orthogonal in blocks, each with a length of its own."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

BLOCKS, D, M = 2, 4, 7  # blocks of D x D Gaussian numbers, channels, directions: fewer than BLOCKS * D


def right(gauss: Tensor, lengths: Tensor) -> Tensor:
    """Row by row. gauss (blocks, D, D), lengths (M,) -> (M, D)."""
    rows: list[Tensor] = []
    for block in gauss:
        before: list[Tensor] = []
        for row in block:
            rest = row - sum(((row * b).sum() * b for b in before), torch.zeros_like(row))
            before.append(rest / (rest * rest).sum().sqrt())
        rows += before
    return torch.stack([row * length for row, length in zip(rows, lengths, strict=False)])


def turned(gauss: Tensor) -> Tensor:
    """Orthonormal rows of every block, (blocks * D, D), by torch's QR with the signs of Gram and Schmidt.

    >>> gauss, lengths = gaussian_blocks(0)
    >>> torch.allclose(turned(gauss)[:M] * lengths[:, None], right(gauss, lengths))
    True
    """
    turn, r = torch.linalg.qr(gauss.mT)
    return (turn * r.diagonal(dim1=-2, dim2=-1).sign()[:, None]).mT.flatten(0, 1)


def _plain(gauss: Tensor) -> Tensor:
    rows = gauss.flatten(0, 1)
    return rows / rows.norm(dim=-1, keepdim=True)


def _cut(rows: Tensor, lengths: Tensor) -> Tensor:
    return rows[:len(lengths)] * lengths[:, None]


def _together(gauss: Tensor) -> Tensor:
    """All rows of all blocks against each other: after D of them nothing is left but rounding, so they repeat."""
    return turned(gauss[:1]).repeat(len(gauss), 1)


WRONG = {
    "when the rows are not made orthogonal": lambda g, n: _cut(_plain(g), n),
    "when all directions have length 1": lambda g, n: turned(g)[:len(n)],
    "when all directions have length sqrt(D)": lambda g, n: turned(g)[:len(n)] * g.shape[-1] ** 0.5,
    "when the lengths are squared": lambda g, n: _cut(turned(g), n ** 2),
    "when the columns of a block are made orthogonal, not its rows": lambda g, n: _cut(turned(g.mT), n),
    "when the columns of torch's Q are taken as rows":
        lambda g, n: _cut(turned(g).unflatten(0, (len(g), -1)).mT.flatten(0, 1), n),
    "when the signs of torch's Q are kept as they are": lambda g, n: _cut(torch.linalg.qr(g.mT)[0].mT.flatten(0, 1), n),
    "when every block is the first": lambda g, n: _cut(_together(g), n),
    "when the last M directions are taken": lambda g, n: turned(g)[-len(n):] * n[:, None],
    "when the rows of the blocks are taken in turn": lambda g, n: _cut(
        turned(g).unflatten(0, (len(g), -1)).transpose(0, 1).flatten(0, 1), n),
    "when the lengths belong to the rows in reverse order": lambda g, n: _cut(turned(g), n.flip(0)),
    "when a row keeps the length that was left after the projections":
        lambda g, n: _cut(turned(g) * torch.linalg.qr(g.mT)[1].diagonal(dim1=-2, dim2=-1).abs().flatten()[:, None], n),
    "when all signs are reversed": lambda g, n: -_cut(turned(g), n),
}


def gaussian_blocks(seed: int) -> tuple[Any, ...]:
    """Blocks of Gaussian numbers, and a length for every direction."""
    return normal(seed, BLOCKS, D, D), normal(seed + 10, M, D).norm(dim=-1)


def lengths(a: Attempt) -> Finding | None:
    off = first_difference(a.got.norm(dim=-1), a.given[1], form=".3f")
    return None if off is None else Finding(
        f"direction {off.place} should have the length {off.wanted}; yours has {off.got}",
        "Make the rows orthogonal with length 1, and then multiply each by its length.", True)


def right_angles(a: Attempt) -> Finding | None:
    block = a.got[:D] / a.got[:D].norm(dim=-1, keepdim=True)
    off = first_difference((block @ block.mT), torch.eye(D, dtype=block.dtype), 1e-6, form=".2f")
    return None if off is None else Finding(
        f"within a block all angles should be right; the cosine of directions {off.place} is {off.got}",
        "Q of a QR decomposition has orthonormal columns.", True)


def first_row(a: Attempt) -> Finding | None:
    gauss, _ = a.given
    wanted, got = gauss[:, 0] / gauss[:, 0].norm(dim=-1, keepdim=True), a.got[[0, D]]
    got = got / got.norm(dim=-1, keepdim=True)
    off = first_difference(got, wanted, 1e-6, form=".3f")
    return None if off is None else Finding(
        f"the first row of a block keeps its direction: expected {off.wanted} at [{off.place}], yours {off.got}",
        "QR works on columns, so give it the transpose. A column may come out with the wrong sign: see R's diagonal.",
        True)


orthogonal = Exercise(
    "orthogonal", "7.2", right, gaussian_blocks, (*FIRST, lengths, right_angles, first_row, *LAST), WRONG,
    "The directions of a block no longer repeat each other.")
