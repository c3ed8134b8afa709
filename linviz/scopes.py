"""Scopes: the grid is cut into boxes, and within a box every query sees every key.

    joint             one box: every token sees every token
    space             one box per frame                     time      one box per position, through all frames
    rows, columns     one box per row or column of a frame
    window:W          W x W patches of one frame per box    shifted:W the same windows, cut half a side later
    quarters          a quarter of the picture per box, through all frames
    strided:W         every W-th frame, row and column per box: sparse, but it spans the clip

Prefix tokens (CLS) belong to every box, and their rows are averaged. Shifted windows are ordinary boxes, so
the windows at the border are smaller. Swin instead rolls the picture and adds -100 to the scores between
patches that are not neighbours in the picture, which gives the same map up to e^-100.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from .grid import Grid

WINDOW = 7  # default side of a window, in patches
STRIDE = 2  # default side of strided


@dataclass(frozen=True)
class Group:
    """All boxes of one shape: token numbers of queries (boxes, L) and of keys (boxes, S), and the grid of one box."""

    queries: Tensor
    keys: Tensor
    grid: Grid

    def on(self, device: torch.device) -> Group:
        """The same boxes with their token numbers on a device."""
        return Group(self.queries.to(device), self.keys.to(device), self.grid)


def axis_ranges(size: int, side: int | None, offset: int = 0) -> list[range]:
    """The ranges into which 0..size is cut: every `side`, first at `offset` (None or too large: one range).

    >>> axis_ranges(7, 3), axis_ranges(7, 3, offset=1)
    ([range(0, 3), range(3, 6), range(6, 7)], [range(0, 1), range(1, 4), range(4, 7)])
    """
    if side is None or size <= side:
        return [range(size)]
    edges = sorted({0, *range(offset, size, side), size})
    return [range(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def box_groups(grid: Grid, frames: int | None, rows: int | None, columns: int | None, offset: int = 0) -> list[Group]:
    """Cut the grid into boxes of so many frames, rows and columns (None: all); boxes of one shape form one Group."""
    first = torch.arange(grid.prefix)
    numbers = torch.arange(grid.prefix, len(grid)).view(grid.T, grid.Y, grid.X)
    shapes: dict[tuple[int, int, int], list[Tensor]] = {}
    for t, y, x in product(axis_ranges(grid.T, frames), axis_ranges(grid.Y, rows, offset),
                           axis_ranges(grid.X, columns, offset)):
        box = numbers[t.start:t.stop, y.start:y.stop, x.start:x.stop]
        shapes.setdefault((len(t), len(y), len(x)), []).append(torch.cat([first, box.flatten()]))
    return [Group(torch.stack(b), torch.stack(b), Grid(*shape, grid.prefix)) for shape, b in shapes.items()]


def strided_groups(grid: Grid, every: int) -> list[Group]:
    """Put tokens into one box if their frames, rows and columns differ by multiples of `every`."""
    first = torch.arange(grid.prefix)
    numbers = torch.arange(grid.prefix, len(grid)).view(grid.T, grid.Y, grid.X)
    shapes: dict[tuple[int, int, int], list[Tensor]] = {}
    for t, y, x in product(*(range(min(every, n)) for n in numbers.shape)):
        box = numbers[t::every, y::every, x::every]
        T, Y, X = box.shape
        shapes.setdefault((T, Y, X), []).append(torch.cat([first, box.flatten()]))
    return [Group(torch.stack(b), torch.stack(b), Grid(*shape, grid.prefix)) for shape, b in shapes.items()]


Scope = Callable[[Grid, int], list[Group]]
SCOPES: dict[str, Scope] = {
    "joint": lambda grid, side: box_groups(grid, None, None, None),
    "space": lambda grid, side: box_groups(grid, 1, None, None),
    "time": lambda grid, side: box_groups(grid, None, 1, 1),
    "rows": lambda grid, side: box_groups(grid, 1, 1, None),
    "columns": lambda grid, side: box_groups(grid, 1, None, 1),
    "window": lambda grid, side: box_groups(grid, 1, side, side),
    "shifted": lambda grid, side: box_groups(grid, 1, side, side, offset=side // 2),
    "quarters": lambda grid, side: box_groups(grid, None, (grid.Y + 1) // 2, (grid.X + 1) // 2),
    "strided": strided_groups,
}
DEFAULT_SIDES = {"window": WINDOW, "shifted": WINDOW, "strided": STRIDE}  # scopes that take a side, with its default


def token_groups(grid: Grid, scope: str = "joint", side: int | None = None) -> list[Group]:
    """The boxes of a scope, by name. `side` in patches is for windows and strides only (None: 7 and 2).

    >>> [len(g.queries) for g in token_groups(Grid(T=2, Y=3, X=4), "space")]
    [2]
    """
    if scope not in SCOPES:
        raise ValueError(f"no scope called {scope!r}; there are: {', '.join(SCOPES)}")
    side = DEFAULT_SIDES.get(scope, WINDOW) if side is None else side
    if side < 1:
        raise ValueError(f"the side of a window must be at least one patch; got {side}")
    return SCOPES[scope](grid, side)
