"""The position of a token: token number <-> frame, row, column. Nothing else in linviz reshapes tokens.

Tokens are counted frame by frame, within a frame row by row, within a row from left to right:

    i = prefix + (t * Y + y) * X + x          t < T frames, y < Y rows, x < X columns

`prefix` tokens (CLS, registers) come first and have no position. Y and X count rows and columns of
patches, not pixels; the letter H is reserved for heads.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Any, TypeVar

import torch
from torch import Tensor

C = TypeVar("C")


def three_sides(grid: type[C]) -> type[C]:
    """A class of grids that refuses two bare numbers: are they frames and rows, or rows and columns?"""
    init: Callable[..., None] = grid.__init__

    @wraps(init)
    def checked(self: C, *sides: Any, **named: Any) -> None:
        if unknown := named.keys() - {"T", "Y", "X", "prefix"}:
            raise TypeError(f"a grid has T frames, Y rows, X columns and prefix, not {', '.join(sorted(unknown))}")
        if len(sides) in (1, 2) and "X" not in named:
            given, (y, x) = ", ".join(f"{side!r:.40}" for side in sides), sides if len(sides) == 2 else (14, 14)
            raise ValueError(f"Grid({given}) does not say which sides these are: write Grid(Y={y!r:.40}, X={x!r:.40}) "
                             f"for one picture, or Grid(8, {y!r:.40}, {x!r:.40}) for 8 frames")
        init(self, *sides, **named)

    grid.__init__ = checked  # type: ignore[method-assign, assignment]
    return grid


@three_sides
@dataclass(frozen=True)
class Grid:
    """T frames of Y rows of X patches, after `prefix` tokens that have no position.

    A photograph has T = 1. Write three numbers, (T, Y, X), or keywords. Raises ValueError for two bare numbers, for a
    side that is no whole number from 1, and for a negative prefix.

    >>> g = Grid(T=2, Y=3, X=4)
    >>> len(g), g.number(1, 2, 3), g.place(23)
    (24, 23, (1, 2, 3))
    """

    T: int = 1
    Y: int = 1
    X: int = 1
    prefix: int = 0

    def __post_init__(self) -> None:
        for name in ("T", "Y", "X", "prefix"):
            object.__setattr__(self, name, whole_number(getattr(self, name), f"the grid's {name}"))
        if min(self.T, self.Y, self.X) < 1 or self.prefix < 0:
            raise ValueError("a grid needs at least one frame, one row and one column, and a prefix of 0 or more; "
                             f"got {self}")

    def __len__(self) -> int:
        return self.prefix + self.T * self.Y * self.X

    def number(self, t: int, y: int, x: int) -> int:
        """Number of the token in frame t, row y, column x (all counted from 0).

        >>> Grid(Y=2, X=3, prefix=1).number(0, 1, 0)
        4
        """
        for name, at, size in (("frame", t, self.T), ("row", y, self.Y), ("column", x, self.X)):
            if not 0 <= at < size:
                raise IndexError(f"{name} {at} is outside the range 0..{size - 1} of {self}")
        return self.prefix + (t * self.Y + y) * self.X + x

    def place(self, i: int) -> tuple[int, int, int]:
        """Frame, row and column of token i; raises IndexError for a prefix token, which has no position.

        >>> Grid(Y=2, X=3).place(4)
        (0, 1, 1)
        """
        if not self.prefix <= i < len(self):
            raise IndexError(f"token {i} has no position in {self}; the tokens with a position are "
                             f"{self.prefix}..{len(self) - 1}")
        i -= self.prefix
        return i // (self.Y * self.X), i // self.X % self.Y, i % self.X

    def places(self, device: torch.device | None = None) -> Tensor:
        """Frame, row and column of every token with a position: (T*Y*X, 3) int64, in token order.

        >>> Grid(Y=1, X=2).places().tolist()
        [[0, 0, 0], [0, 0, 1]]
        """
        axes = [torch.arange(n, device=device) for n in (self.T, self.Y, self.X)]
        return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).flatten(0, 2)

    def centres(self, patch: float) -> Tensor:
        """Centre of every patch in pixels, (T*Y*X, 2): vertical, horizontal. `patch` is the side of a patch in pixels.

        >>> Grid(Y=1, X=2).centres(16).tolist()
        [[8.0, 8.0], [8.0, 24.0]]
        """
        return (self.places()[:, 1:] + 0.5) * patch

    def fold(self, x: Tensor) -> Tensor:
        """(..., N, C) -> (..., T, Y, X, C), without the prefix.

        >>> Grid(T=2, Y=3, X=4, prefix=1).fold(torch.zeros(25, 5)).shape
        torch.Size([2, 3, 4, 5])
        """
        if x.shape[-2] != len(self):
            raise ValueError(f"{x.shape[-2]} tokens do not fit {self}, which has {len(self)} tokens")
        return x[..., self.prefix:, :].unflatten(-2, (self.T, self.Y, self.X))

    def unfold(self, x: Tensor) -> Tensor:
        """(..., T, Y, X, C) -> (..., T*Y*X, C): the tokens with a position, in order.

        >>> Grid(T=2, Y=3, X=4).unfold(torch.zeros(2, 3, 4, 5)).shape
        torch.Size([24, 5])
        """
        return x.flatten(-4, -2)

    def within(self, larger: Grid, device: torch.device | None = None) -> Tensor:
        """Numbers of this grid's tokens in a larger grid, aligned at the corner: learned tables are cut like this.

        >>> Grid(Y=2, X=2).within(Grid(Y=2, X=3)).tolist()
        [0, 1, 3, 4]
        """
        t, y, x = self.places(device).unbind(-1)
        return (t * larger.Y + y) * larger.X + x


@lru_cache(maxsize=8)
def frame_centres(Y: int, X: int, patch: float) -> Tensor:
    """Centres of the patches of every frame in pixels, (Y*X, 2); kept, as each block of rows asks for them again.

    >>> frame_centres(1, 2, 16).tolist()
    [[8.0, 8.0], [8.0, 24.0]]
    """
    return Grid(1, Y, X).centres(patch)


def whole_number(value: Any, what: str) -> int:
    """A whole number of Python, numpy or a tensor as an int; ValueError, in one sentence, for any other value.

    >>> whole_number(torch.tensor(3), "the number of rows")
    3
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        return int(value.__index__())
    except (AttributeError, TypeError):
        raise ValueError(f"{what} must be a whole number; got {value!r:.80}") from None


def as_grid(given: Grid | Sequence[int]) -> Grid:
    """A grid as it is given to a function: a `Grid`, (rows, columns) or (frames, rows, columns).

    ValueError, in one sentence, for any other value.

    >>> as_grid((14, 14)), as_grid((8, 14, 14)).T
    (Grid(T=1, Y=14, X=14, prefix=0), 8)
    """
    if isinstance(given, Grid):
        return given
    sides = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(sides, tuple | list) or len(sides) not in (2, 3):
        raise ValueError("a grid is a Grid, (rows, columns) or (frames, rows, columns), as in (14, 14); "
                         f"got {given!r:.80}")
    return Grid(*(1,) * (3 - len(sides)), *sides)
