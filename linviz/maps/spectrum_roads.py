"""The singular values of a large map without an SVD of its table. The map is walked in blocks of rows, as `Map.walk`.

    all of them     s_n^2 are the eigenvalues of A^T A, S x S, which is a sum over blocks of rows
    the first few   block Lanczos on A^T A: each walk multiplies a thin block of vectors by it

A^T A squares the condition: s_n is exact to about 1e-7 s_1, far below the rounding of a float32 map (S eps s_1).
A map in float64 has digits below that, so it needs the SVD if all singular values are wanted.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Walk = Callable[[], Iterable[tuple[Tensor, Tensor]]]  # query numbers and their rows (..., n, S), block by block

LARGE = 512                # queries and keys from which these roads are shorter
WIDTH, PASSES = 16, 24     # vectors in a block, and walks at most
ACCURACY = 1e-6            # of the first few, as a part of the largest


def is_large(shape: tuple[int, int], like: Tensor) -> bool:
    """Whether these roads are shorter for a map like that: they carry no gradient."""
    return min(shape) >= LARGE and not (torch.is_grad_enabled() and like.requires_grad)


def has_gram_spectrum(shape: tuple[int, int], like: Tensor) -> bool:
    """Whether A^T A has all digits of a map like that, and is smaller than A."""
    return is_large(shape, like) and shape[0] >= shape[1] and like.dtype != torch.float64


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


@torch.no_grad()
def leading_spectrum(walk: Walk, top: int, seed: int = 0) -> Tensor | None:
    """The first `top` singular values (..., top), float64; None where PASSES walks do not find them.

    With A^T A y = t y + r and |y| = 1, some eigenvalue of A^T A lies within |r| of t. The bounds that follow for the
    singular values are below ACCURACY times the largest, for products in the dtype of the map.
    """
    _, first = next(iter(walk()))
    S, width = first.shape[-1], max(WIDTH, top)
    start = torch.randn(S, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    new = torch.linalg.qr(start.to(first.device).expand(*first.shape[:-2], S, width)).Q
    basis, images = new[..., :0], new[..., :0]
    for _ in range(min(PASSES, S // width)):
        image = _squared_map_times(walk, new)
        basis, images = torch.cat([basis, new], -1), torch.cat([images, image], -1)
        inner = basis.mT @ images
        values, vectors = torch.linalg.eigh((inner + inner.mT) / 2)
        values, vectors = values.flip(-1)[..., :top].clamp_min(0), vectors.flip(-1)[..., :top]
        rest = (images @ vectors - basis @ vectors * values.unsqueeze(-2)).norm(dim=-2)
        found = values.sqrt()
        bounds = torch.minimum(rest / found.clamp_min(torch.finfo(rest.dtype).tiny), rest.sqrt())
        if bool((bounds <= ACCURACY * found[..., :1]).all()):
            return found
        new = image
        for _ in range(2):  # what rounding leaves of the basis the first time goes the second time
            new = torch.linalg.qr(new - basis @ (basis.mT @ new)).Q
    return None


def _squared_map_times(walk: Walk, x: Tensor) -> Tensor:
    """A^T A x, for x (..., S, n) in float64, multiplied in the dtype of the map and added in float64."""
    total = torch.zeros_like(x)
    for _, rows in walk():
        total += rows.mT @ (rows @ x.to(rows.dtype))
    return total
