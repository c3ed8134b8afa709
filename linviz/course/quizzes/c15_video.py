"""The numbers in the quiz of chapter 15, video transformers, counted again."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ... import Grid, make
from ...models.schemes import Scheme, count_pairs
from ..scenes.ch15 import mean_change

GRID = Grid(8, 14, 14)
D, SHORT, LONG = 16, 8, 800


def recount_schemes() -> Mapping[str, str]:
    """Pairs per query of divided and of joint attention."""
    divided, joint = (count_pairs(name, GRID) // len(GRID) for name in ("divided", "joint"))
    return {"T": f"{GRID.T}", "P": f"{GRID.Y * GRID.X}", "sum": f"{divided}", "all": f"{joint:,}"}


def recount_order() -> Mapping[str, str]:
    """The change of the mean output of joint attention if the frames are reversed."""
    grid = Grid(8, 3, 3)
    model = Scheme("joint", "softmax", heads=1, channels=8, grid=grid)
    x = torch.randn(1, len(grid), 8, generator=torch.Generator().manual_seed(0))
    return {"change": f"{mean_change(model, x, 8)['backwards']:.2f}"}


def recount_sums() -> Mapping[str, str]:
    """The numbers that the two sums hold after the first chunk, and after the last."""
    sizes = set()
    for frames in (2, 8):
        grid = Grid(frames, 2, 2)
        m = make("sana", 1, D, grid, chunk=1)
        x = torch.randn(1, 1, len(grid), D, generator=torch.Generator().manual_seed(0))
        state: Any = None
        for part in x.split(4, -2):
            state, _ = m.step(state, part, part, part)
        sizes.add(state.S.numel() + state.z.numel())
    (size,) = sizes
    return {"D": f"{D}", "short": f"{SHORT}", "long": f"{LONG}", "state": f"{size}"}
