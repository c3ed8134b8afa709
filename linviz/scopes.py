"""Who may see whom: a grid is cut into boxes, and inside a box every query sees every key.

    joint             one box: everybody sees everybody
    space             one frame a box                       time      one place a box, through all frames
    rows, columns     one line of one frame a box
    window:W          W x W patches of one frame a box      shifted:W the same windows cut half a side later
    quarters          a quarter of the picture a box, through all frames
    strided:W         every W-th frame, row and column a box: sparse, and it spans the clip

Prefix tokens (CLS) sit in every box and get the mean of their rows. Shifted windows are plain boxes, so
those at the border are smaller; Swin rolls the picture and adds -100 between strangers instead, which is
the same map to e^-100.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from .grid import Grid

WINDOW = 7  # patches on a window's side when none is given
STRIDE = 2  # and for strided


@dataclass(frozen=True)
class Group:
    """Boxes of one shape: token numbers of queries (boxes, L) and keys (boxes, S), and the box itself."""

    queries: Tensor
    keys: Tensor
    grid: Grid


def cuts(size: int, side: int | None, offset: int = 0) -> list[range]:
    """Where 0..size is cut: every `side`, first at `offset` (None or too wide: not at all).

    >>> cuts(7, 3), cuts(7, 3, offset=1)
    ([range(0, 3), range(3, 6), range(6, 7)], [range(0, 1), range(1, 4), range(4, 7)])
    """
    if side is None or size <= side:
        return [range(size)]
    edges = sorted({0, *range(offset, size, side), size})
    return [range(a, b) for a, b in zip(edges, edges[1:], strict=False)]


def boxes(grid: Grid, frames: int | None, rows: int | None, columns: int | None, offset: int = 0) -> list[Group]:
    """The grid cut into boxes of so many frames, rows and columns (None: all), boxes of one shape together."""
    first = torch.arange(grid.prefix)
    numbers = torch.arange(grid.prefix, len(grid)).view(grid.T, grid.Y, grid.X)
    shapes: dict[tuple[int, int, int], list[Tensor]] = {}
    for t, y, x in product(cuts(grid.T, frames), cuts(grid.Y, rows, offset), cuts(grid.X, columns, offset)):
        box = numbers[t.start:t.stop, y.start:y.stop, x.start:x.stop]
        shapes.setdefault((len(t), len(y), len(x)), []).append(torch.cat([first, box.flatten()]))
    return [Group(torch.stack(b), torch.stack(b), Grid(*shape, grid.prefix)) for shape, b in shapes.items()]


def strides(grid: Grid, every: int) -> list[Group]:
    """Tokens whose frames, rows and columns lie `every` apart, or a multiple of it, sit in one box."""
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
    "joint": lambda grid, side: boxes(grid, None, None, None),
    "space": lambda grid, side: boxes(grid, 1, None, None),
    "time": lambda grid, side: boxes(grid, None, 1, 1),
    "rows": lambda grid, side: boxes(grid, 1, 1, None),
    "columns": lambda grid, side: boxes(grid, 1, None, 1),
    "window": lambda grid, side: boxes(grid, 1, side, side),
    "shifted": lambda grid, side: boxes(grid, 1, side, side, offset=side // 2),
    "quarters": lambda grid, side: boxes(grid, None, (grid.Y + 1) // 2, (grid.X + 1) // 2),
    "strided": strides,
}
SIDED = {"window": WINDOW, "shifted": WINDOW, "strided": STRIDE}  # scopes that take a side, and the one they have


def groups(grid: Grid, scope: str = "joint", side: int | None = None) -> list[Group]:
    """The boxes of a scope by name; side in patches, for windows and strides only (None: 7 and 2).

    >>> [len(g.queries) for g in groups(Grid(T=2, Y=3, X=4), "space")]
    [2]
    """
    if scope not in SCOPES:
        raise ValueError(f"no scope called {scope!r}; there are: {', '.join(SCOPES)}")
    side = SIDED.get(scope, WINDOW) if side is None else side
    if side < 1:
        raise ValueError(f"a window has a side of at least one patch, not {side}")
    return SCOPES[scope](grid, side)
