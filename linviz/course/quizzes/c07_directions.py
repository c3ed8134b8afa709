"""The numbers in the quiz of chapter 7, random features, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid
from ..scenes.ch07 import COUNTS, random_features


def recount_more() -> Mapping[str, str]:
    """What a mean gains from more directions."""
    few, many = 32, COUNTS[-1]
    return {"few": f"{few}", "many": f"{many}", "factor": f"{many // few}", "root": f"{(many / few) ** 0.5:.1f}"}


def recount_redraw() -> Mapping[str, str]:
    """The rank bound of a map, which is the same for every draw."""
    grid = Grid(1, 28, 28)
    x = torch.zeros(1, 1, len(grid), 16)
    bounds = set()
    m = random_features("positive", grid, 16, directions=64)
    for seed in (0, 1):
        m.redraw(seed)
        bounds.add(m.map(x, x, x).rank_bound)
    (bound,) = bounds
    return {"M": f"{bound}", "N": f"{len(grid)}"}
