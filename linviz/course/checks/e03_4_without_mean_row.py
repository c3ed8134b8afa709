"""Exercise 3.4: the spectrum of a factored map without its mean row, from its factors."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.linalg import svdvals

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import M, N, S, normal, phi
from .work_properties import linear_in_tokens


def right(left: Tensor, right: Tensor) -> Tensor:
    """From the whole table. left (N, M), right (S, M) -> the first M singular values of A minus its mean row."""
    a = left @ right.mT
    return svdvals(a - a.mean(0))[:left.shape[-1]]


def _of(a: Tensor, b: Tensor) -> Tensor:
    return svdvals(a @ b.mT)[:M]


def _off(x: Tensor, dim: int) -> Tensor:
    return x - x.mean(dim, keepdim=True)


WRONG = {
    "without subtracting the mean row": _of,
    "when the right factor is centred, which subtracts each row's own mean": lambda a, b: _of(a, _off(b, 0)),
    "when both factors are centred": lambda a, b: _of(_off(a, 0), _off(b, 0)),
    "when each token's mean over channels is subtracted": lambda a, b: _of(_off(a, 1), b),
    "when the first singular value is removed and a zero appended":
        lambda a, b: torch.cat((_of(a, b)[1:], a.new_zeros(1))),
    "when the first singular value is removed": lambda a, b: _of(a, b)[1:],
    "when the mean of the singular values is subtracted": lambda a, b: _of(a, b) - _of(a, b).mean(),
    "when the mean of the whole left factor is subtracted, one number": lambda a, b: _of(a - a.mean(), b),
    "when the first row is subtracted instead of the mean row": lambda a, b: _of(a - a[:1], b),
    "when the sum of the rows is subtracted instead of their mean": lambda a, b: _of(a - a.sum(0), b),
    "when the left factor is standardised instead of centred": lambda a, b: _of(_off(a, 0) / a.std(0), b),
    "when the mean row is added instead of subtracted": lambda a, b: _of(a + a.mean(0), b),
    "when only the mean row is kept": lambda a, b: _of(a.mean(0).expand(len(a), -1), b),
    "when the left factor is divided by its mean row": lambda a, b: _of(a / a.mean(0), b),
    "when the median row is subtracted": lambda a, b: _of(a - a.median(0).values, b),
    "from the left factor alone": lambda a, b: svdvals(_off(a, 0)),
    "from the right factor alone": lambda a, b: svdvals(_off(b, 0)),
    "when the values are squared": lambda a, b: _of(_off(a, 0), b).square(),
}


def factors(seed: int) -> tuple[Any, ...]:
    """Factors with a strong mean row."""
    return phi(seed, N, M) + 0.4, phi(seed + 10, S, M)


def alike(a: Attempt) -> Finding | None:
    left, keys = a.given
    got = a.ask(left[:1].expand(N, M).clone(), keys)
    return None if got.abs().max() < 1e-9 else Finding(
        f"when all rows are equal, the result without their mean is zero; yours gives {got.abs().max().item():.3g}",
        "Row i of A is left[i] @ right.mT, so the mean row is the mean of left, times right.mT.", True)


def bright(a: Attempt) -> Finding | None:
    left, keys = a.given
    extra = torch.linspace(1, 2, M, dtype=torch.float64)
    one, other = a.ask(left, keys), a.ask(left + extra, keys)
    return None if is_close(one, other, 1e-8) else Finding(
        "adding the same row to every row should change nothing; yours changes",
        "Subtract the mean over tokens from the left factor, and nothing from the right factor.", True)


without_mean_row = Exercise(
    "without_mean_row", "3.4", right, factors,
    (*FIRST, alike, bright, *LAST,
     linear_in_tokens(lambda n: (normal(0, n, M), normal(1, n + 1, M)),
                      "Centre the left factor; then two thin QRs, as in exercise 3.3.")), WRONG,
    "The rest of the map depends on the query.")
