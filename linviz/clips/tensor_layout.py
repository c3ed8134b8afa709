"""Which axis of q, k and v counts heads and which counts tokens, and where the tokens lie.

    BHND   (B, H, N, D) or (H, N, D): heads first, as attention is computed in torch
    BNHD   (B, N, H, D) or (N, H, D): tokens first, as a layer leaves its features when they are cut into heads

The numbers of tokens decide: they must fill the grid, after a few tokens without a position, or form a square.
"""
from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from ..grid import Grid
from .found import Unreadable

LAYOUTS = ("BHND", "BNHD")
AUTO = "auto"  # the layout is recognised
PREFIX = 16  # the most tokens before the grid: more are a mistake
CLEAR = 4  # so many times more tokens than heads leave no doubt
SIDE = 3  # the shortest side of a square in which tokens before heads are recognised without a grid


class AmbiguousLayout(Unreadable):
    """The arrays can be read in both layouts, and a person has to say which is right."""


def find_layout(arrays: Mapping[str, Tensor], asked: str = AUTO) -> str:
    """The layout of q and k (and v, grid, key_grid): the one asked for, or the only one that fits.

    Where none fits, heads come first. Raises AmbiguousLayout, in one sentence, where both do.

    >>> import torch
    >>> heads_first, tokens_first = torch.zeros(1, 12, 197, 64), torch.zeros(1, 197, 12, 64)
    >>> find_layout({"q": heads_first, "k": heads_first}), find_layout({"q": tokens_first, "k": tokens_first})
    ('BHND', 'BNHD')
    """
    if asked != AUTO:
        return asked
    if any(arrays[name].ndim == 2 for name in ("q", "k", "v") if name in arrays):
        return LAYOUTS[0]  # there are no heads
    fitting = [layout for layout in LAYOUTS if _fits_grid(arrays, layout)]
    if len(fitting) < 2:
        return fitting[0] if fitting else LAYOUTS[0]
    grid = arrays.get("grid")
    if grid is not None:
        near = [layout for layout in fitting if _tokens(arrays["q"], layout) - math.prod(_sides(grid)) <= 1]
        if len(near) == 1:
            return near[0]
    fewer, more = sorted(fitting, key=lambda layout: _tokens(arrays["q"], layout))
    few, many = _tokens(arrays["q"], fewer), _tokens(arrays["q"], more)
    if grid is None and few < many and (many >= CLEAR * few or math.isqrt(few) < SIDE):
        return more
    first, second = (f"{layout} ({_heads(arrays['q'], layout)} heads of {_tokens(arrays['q'], layout)} tokens)"
                     for layout in LAYOUTS)
    raise AmbiguousLayout(f"q {tuple(arrays['q'].shape)} can be read in two ways: say which layout it has, {first} or "
                          f"{second}")


def heads_first(x: Tensor, layout: str) -> Tensor:
    """An array as (B, H, N, D).

    >>> import torch
    >>> heads_first(torch.zeros(9, 2, 4), "BNHD").shape, heads_first(torch.zeros(9, 4), "BHND").shape
    (torch.Size([1, 2, 9, 4]), torch.Size([1, 1, 9, 4]))
    """
    x = x[(None,) * (4 - x.ndim)]
    return x.transpose(1, 2) if layout == LAYOUTS[1] else x


def tokens_grid(given: Tensor | None, tokens: int, what: str = "grid") -> Grid:
    """The grid that a file names, or the square that its tokens form; `what`: "grid", or "key_grid" for keys.

    >>> import torch
    >>> tokens_grid(torch.tensor([2, 3, 4]), 25), tokens_grid(None, 9)
    (Grid(T=2, Y=3, X=4, prefix=1), Grid(T=1, Y=3, X=3, prefix=0))
    """
    if given is None:
        side = math.isqrt(tokens)
        if tokens not in (side * side, side * side + 1):
            whose = "keys" if what == "key_grid" else "tokens"
            raise Unreadable(f"its {tokens:,} {whose} form no square, so their positions are unknown: add "
                             f"{what}=[Y, X] or {what}=[T, Y, X]")
        return Grid(1, side, side, tokens - side * side)
    sides = _sides(given)
    if len(sides) not in (2, 3) or min(sides) < 1:
        raise Unreadable(f"{what} holds {sides[:9] or 'no whole numbers'}: it needs rows and columns, or frames, rows "
                         f"and columns, of the {tokens:,} tokens")
    prefix = tokens - math.prod(sides)
    if not 0 <= prefix <= PREFIX:
        letter = "k" if what == "key_grid" else "q"
        raise Unreadable(f"a {what} of {' x '.join(map(str, sides))} has {math.prod(sides):,} tokens, and {letter} has "
                         f"{tokens:,}; up to {PREFIX} may come before the grid")
    frames, rows, columns = [1] * (3 - len(sides)) + sides
    return Grid(frames, rows, columns, prefix)


def _fits_grid(arrays: Mapping[str, Tensor], layout: str) -> bool:
    """Whether heads and tokens agree in a layout and the tokens fill their grids."""
    q, k = arrays["q"], arrays["k"]
    values = arrays.get("v", k)
    if not all(x.ndim in (3, 4) for x in (q, k, values)):
        return False
    heads = {_heads(x, layout) for x in (q, k, values)}
    if len(heads) > 1 or _tokens(k, layout) != _tokens(values, layout):
        return False
    if layout != LAYOUTS[0] and "grid" not in arrays and _tokens(q, layout) < SIDE**2:
        return False  # two heads would be taken for a token of CLS and a patch
    try:
        tokens_grid(arrays.get("grid"), _tokens(q, layout))
        if _tokens(k, layout) != _tokens(q, layout):
            tokens_grid(arrays.get("key_grid"), _tokens(k, layout), "key_grid")
    except Unreadable:
        return False
    return True


def _heads(x: Tensor, layout: str) -> int:
    return x.shape[-3 if layout == LAYOUTS[0] else -2]


def _tokens(x: Tensor, layout: str) -> int:
    return x.shape[-2 if layout == LAYOUTS[0] else -3]


def _sides(given: Tensor) -> list[int]:
    """The numbers of a grid; none where they are no whole numbers, or far too many."""
    return [] if given.is_floating_point() or given.numel() > 9 else [int(n) for n in given.flatten().tolist()]
