"""The singular values of a large map without an SVD of its table. The map is walked in blocks of rows, as `Map.walk`.

    all of them     s_n^2 are the eigenvalues of A^T A, S x S, which is a sum over blocks of rows
    the first few   block Lanczos on A^T A: each walk multiplies a thin block of vectors by it (leading_values.py)

A^T A squares the condition: s_n is exact to about 1e-7 s_1, far below the rounding of a float32 map (S eps s_1).
A map in float64 has digits below that, so it needs the SVD if all singular values are wanted. `a` is a `Map`.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from .leading_values import LeadingValues, leading_values

Walk = Callable[[], Iterable[tuple[Tensor, Tensor]]]  # query numbers and their rows (..., n, S), block by block

LARGE = 512               # queries and keys from which these roads are shorter
GRAM_ERROR = 1e-7         # of a singular value from A^T A, as a part of the largest
TOP = 16                  # how many singular values a look at the largest takes


def table_values(a: Any, top: int | None = None) -> Tensor:
    """All singular values of a map without factors, or the first `top` of them, by the shortest exact road."""
    if top is not None and 8 * top <= min(a.shape) and is_large(a):
        found = leading_values(a.walk, top)
        if found.converged:
            return found.values
    if has_gram_spectrum(a):
        return gram_spectrum(a.walk)[..., :top]
    return torch.linalg.svdvals(a.dense().double())[..., :top]


def leading_table_values(a: Any, top: int = TOP) -> LeadingValues:
    """The first `top` singular values of a map without factors and their bounds, never from the whole of a large table.

    ValueError for a number of values that the map does not have.
    """
    if not 1 <= top <= min(a.shape):
        raise ValueError(f"this map has {min(a.shape)} singular values; got top={top}")
    if 8 * top <= min(a.shape) and is_large(a):
        return leading_values(a.walk, top)
    error = GRAM_ERROR if has_gram_spectrum(a) else max(a.shape) * torch.finfo(torch.float64).eps
    return LeadingValues.exact(table_values(a), top, error)


def is_large(a: Any) -> bool:
    """Whether these roads are shorter for a map: they carry no gradient."""
    return min(a.shape) >= LARGE and not (torch.is_grad_enabled() and a.like.requires_grad)


def has_gram_spectrum(a: Any) -> bool:
    """Whether A^T A has all digits of a map, and is smaller than A."""
    return is_large(a) and a.shape[0] >= a.shape[1] and a.like.dtype != torch.float64


@torch.no_grad()
def gram_spectrum(walk: Walk) -> Tensor:
    """All singular values (..., S) of a map with N >= S, float64."""
    return _roots_of_eigenvalues(_gram_matrix(walk))


@torch.no_grad()
def gram_spectra(walk: Walk) -> tuple[Tensor, Tensor]:
    """`gram_spectrum` of the map and of the map minus its mean row m: A^T A = A_c^T A_c + N m m^T."""
    sums, count = torch.zeros(()), 0
    for _, rows in walk():
        sums, count = sums.to(rows.device) + rows.double().sum(-2, keepdim=True), count + rows.shape[-2]
    mean = sums / count
    centred = _gram_matrix(walk, mean)
    return tuple(map(_roots_of_eigenvalues, (centred + count * mean.mT @ mean, centred)))  # type: ignore[return-value]


def _gram_matrix(walk: Walk, less: Tensor | None = None) -> Tensor:
    """A^T A (..., S, S) in float64, `less` (..., 1, S) subtracted from every row."""
    gram: Tensor | None = None
    for _, rows in walk():
        block = rows.double() if less is None else rows.double() - less
        square = block.mT @ block
        gram = square if gram is None else gram.add_(square)
    assert gram is not None
    return gram


def _roots_of_eigenvalues(gram: Tensor) -> Tensor:
    return torch.linalg.eigvalsh(gram).flip(-1).clamp_min(0).sqrt()
