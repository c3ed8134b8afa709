"""The numbers in the quiz of chapter 16, beyond grids, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn.functional import elu

from ... import Grid
from ...mechanisms.graph import neighbour_table
from ..scenes.ch16 import stereo_patches


def recount_edges() -> Mapping[str, str]:
    """Patches, pairs and edges of a picture."""
    grid = Grid(1, 14, 14)
    _, there = neighbour_table(grid)
    return {"N": f"{len(grid)}", "pairs": f"{len(grid) ** 2:,}", "edges": f"{int(there.sum()):,}"}


def recount_picture() -> Mapping[str, str]:
    """Fair shares of the best match of a patch under elu + 1, mean over the left picture."""
    pair, sharp = stereo_patches(), 50 ** 0.5
    left, right = (elu(sharp * x.flatten(0, 1)) + 1 for x in (pair.left, pair.right))
    a = left @ right.mT
    return {"S": "180", "top": f"{(len(right) * a / a.sum(-1, keepdim=True)).amax(1).mean():.1f}"}


def recount_ceiling() -> Mapping[str, str]:
    """The ceiling, reached by a map that is the identity between groups."""
    M, n = 32, 640
    group = torch.arange(n) % M
    a = (group[:, None] == group).double()
    a = a / a.sum(-1, keepdim=True)
    assert torch.linalg.matrix_rank(a) == M
    return {"M": f"{M}", "n": f"{n}", "most": f"{a.diagonal().mean():.2f}"}
