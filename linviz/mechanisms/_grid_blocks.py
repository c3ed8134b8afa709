"""Blocks of a grid: boxes of side x side patches and some frames, for methods that treat a block as one thing.

Blocks at the border may be smaller. Prefix tokens have no position: they are a block of their own, after all others.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..grid import Grid


def block_grid(grid: Grid, side: int, frames: int | None) -> Grid:
    """The grid of the blocks, without prefix; frames None: a block is as long as the clip."""
    return Grid(-(-grid.T // (frames or grid.T)), -(-grid.Y // side), -(-grid.X // side))


def block_count(grid: Grid, side: int, frames: int | None) -> int:
    """The number of blocks, with that of the prefix tokens if there are any."""
    return len(block_grid(grid, side, frames)) + (grid.prefix > 0)


def block_numbers(grid: Grid, side: int, frames: int | None, device: torch.device | None = None) -> Tensor:
    """The block of every token: (N,).

    >>> block_numbers(Grid(T=1, Y=2, X=3, prefix=1), 2, None).tolist()
    [2, 0, 0, 1, 0, 0, 1]
    """
    blocks = block_grid(grid, side, frames)
    t, y, x = grid.places(device).unbind(-1)
    number = (t // (frames or grid.T) * blocks.Y + y // side) * blocks.X + x // side
    return pad(number, (grid.prefix, 0), value=len(blocks))
