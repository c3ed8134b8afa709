"""The singular values of a large map without an SVD of its table. The map is walked in blocks of rows, as `Map.walk`.

    all of them     s_n^2 are the eigenvalues of A^T A, S x S, which is a sum over blocks of rows
    the first few   block Lanczos on A^T A: each walk multiplies a thin block of vectors by it

A^T A squares the condition: s_n is exact to 1.5e-8 s_1 at worst, far below the rounding of a float32 map (S eps s_1).
A map in float64 has digits below that, so it needs the SVD if all singular values are wanted.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Walk = Callable[[], Iterable[tuple[Tensor, Tensor]]]  # query numbers and their rows (..., n, S), block by block

LARGE = 512                # queries and keys from which these roads are shorter
WIDTH, PASSES = 16, 24     # vectors in a block, and walks at most
ACCURACY = 1e-7            # of the first few, as a part of the largest; in float64 also where the map is in float32


@torch.no_grad()
def gram_spectrum(walk: Walk) -> Tensor:
    """All singular values (..., S) of a map with N >= S, float64, from the eigenvalues of A^T A."""
    gram: Tensor | None = None
    for _, rows in walk():
        block = rows.double()
        square = block.mT @ block
        gram = square if gram is None else gram.add_(square)
    assert gram is not None
    return torch.linalg.eigvalsh(gram).flip(-1).clamp_min(0).sqrt()


@torch.no_grad()
def leading_spectrum(walk: Walk, top: int, seed: int = 0) -> Tensor | None:
    """The first `top` singular values (..., top), float64; None where PASSES walks do not find them.

    With A^T A y = t y + r and |y| = 1, some eigenvalue of A^T A lies within |r| of t. The bounds that follow for the
    singular values are below ACCURACY times the largest.
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
    """A^T A x, for x (..., S, n) in float64."""
    total = torch.zeros_like(x)
    for _, rows in walk():
        block = rows.double()
        total += block.mT @ (block @ x)
    return total
