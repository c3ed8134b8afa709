"""Whom a patch asks for its colour: rows of a painting's maps, for one head or as the mean of all."""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .trace import Traced


@torch.no_grad()
def patch_rows(layer: Traced, patches: Sequence[int], head: int | None = None) -> Tensor:
    """The rows of some patches, (n, N): of one head, counted from 0, or the mean over heads.

    >>> from linviz import Grid, make
    >>> x = torch.rand(1, 2, 9, 8)
    >>> layer = Traced("block 0", make("softmax", heads=2, width=8, grid=Grid(Y=3, X=3)), x, x, x)
    >>> patch_rows(layer, [0, 4]).shape, patch_rows(layer, [4], head=1).sum().round().item()
    (torch.Size([2, 9]), 1.0)
    """
    rows = layer.map.rows(torch.tensor(list(patches), dtype=torch.long))[0]
    return rows.mean(0) if head is None else rows[head]


def weight_on_hints(rows: Tensor, hints: Tensor) -> Tensor:
    """The part of each row (n, N) that lies on hints (N,) bool: (n,).

    >>> weight_on_hints(torch.tensor([[0.5, 0.25, 0.25]]), torch.tensor([True, False, True])).item()
    0.75
    """
    return (rows * hints).sum(-1) / rows.sum(-1).clamp_min(1e-9)


def shared_weight(rows: Tensor) -> float:
    """How much of their weight two rows of (n, N) place alike: sum_j min(a_ij, a_kj), the mean over all pairs.

    1 if all rows are the same, 0 if no two look at one patch; with fewer than two rows 1.

    >>> shared_weight(torch.eye(3)), shared_weight(torch.full((3, 4), 0.25))
    (0.0, 1.0)
    """
    pairs = [(i, k) for i in range(len(rows)) for k in range(i)]
    if not pairs:
        return 1.0
    return sum(torch.minimum(rows[i], rows[k]).sum().item() for i, k in pairs) / len(pairs)
