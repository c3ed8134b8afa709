"""Exercise 3.3: the spectrum of a factored map, from its factors."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.linalg import eigvals, qr, svdvals

from ..exercise import Exercise
from ..properties import FIRST, LAST
from .samples import M, N, S, normal, phi
from .work_properties import linear_in_tokens


def right(left: Tensor, right: Tensor) -> Tensor:
    """From the whole table. left (N, M), right (S, M) -> the first M singular values, descending."""
    return svdvals(left @ right.mT)[:left.shape[-1]]


def _r(x: Tensor) -> Tensor:
    return qr(x).R


WRONG = {
    "when the second triangle is not transposed": lambda a, b: svdvals(_r(a) @ _r(b)),
    "when the first triangle is transposed instead of the second": lambda a, b: svdvals(_r(a).mT @ _r(b)),
    "when both triangles are transposed": lambda a, b: svdvals(_r(a).mT @ _r(b).mT),
    "from the left factor alone": lambda a, b: svdvals(a),
    "from the right factor alone": lambda a, b: svdvals(b),
    "when the singular values of both factors are multiplied": lambda a, b: svdvals(a) * svdvals(b),
    "when the singular values of both factors are added": lambda a, b: svdvals(a) + svdvals(b),
    "when they are squared: eigenvalues of A^T A, without the root": lambda a, b: svdvals(_r(a) @ _r(b).mT).square(),
    "when the root is taken of singular values": lambda a, b: svdvals(_r(a) @ _r(b).mT).sqrt(),
    "with eigenvalues in place of singular values":
        lambda a, b: eigvals(_r(a) @ _r(b).mT).abs().sort(descending=True).values,
    "with the diagonals of the two triangles, which are not singular values":
        lambda a, b: (_r(a).diagonal() * _r(b).diagonal()).abs().sort(descending=True).values,
    "with the diagonal of T1 T2^T": lambda a, b: (_r(a) @ _r(b).mT).diagonal(),
    "from the two Q, whose singular values are all 1": lambda a, b: svdvals(qr(a).Q[:M] @ qr(b).Q[:M].mT),
    "in ascending order": lambda a, b: svdvals(_r(a) @ _r(b).mT).flip(-1),
    "when the values are divided by their sum": lambda a, b: _parts(svdvals(_r(a) @ _r(b).mT)),
    "when the values are divided by the largest":
        lambda a, b: svdvals(_r(a) @ _r(b).mT) / svdvals(_r(a) @ _r(b).mT)[:1],
    "from T1 alone: the second triangle is forgotten": lambda a, b: svdvals(_r(a) @ _r(a).mT),
    "from T2 alone: the first triangle is forgotten": lambda a, b: svdvals(_r(b) @ _r(b).mT),
    "when T1 and T2 are multiplied entry by entry": lambda a, b: svdvals(_r(a) * _r(b)),
    "when T1 and T2 are added": lambda a, b: svdvals(_r(a) + _r(b)),
    "before the singular values are computed: T1 T2^T itself": lambda a, b: _r(a) @ _r(b).mT,
    "from the whole table, with extra values that are zero": lambda a, b: svdvals(a @ b.mT),
}


def _parts(s: Tensor) -> Tensor:
    return s / s.sum()


def factors(seed: int) -> tuple[Any, ...]:
    """A left factor of features and a right one with signs."""
    return phi(seed, N, M) / (1 + torch.arange(N, dtype=torch.float64)[:, None]), normal(seed + 10, S, M)


thin_spectrum = Exercise(
    "thin_spectrum", "3.3", right, factors,
    (*FIRST, *LAST, linear_in_tokens(lambda n: (normal(0, n, M), normal(1, n + 1, M)),
                                     "First compute a QR of each factor: the triangle is only M x M.")), WRONG,
    "You have the spectrum of a table that was never written.")
