"""Rotary positions: pairs of channels are turned by an angle that grows with the position of the token.

    (R_i x)_(2m, 2m+1) = x_(2m, 2m+1) turned by angle_im        R_i a . R_j b depends on the positions only by i - j

A rotated product of positive features can be negative. Methods that rotate only above the fraction, and divide by
the row sum of the features that were not rotated, have signed rows that need not sum to one.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..grid import Grid
from ..maps import rotate_pairs

BASE = 10_000.0  # the slowest pair turns about 1 / BASE as fast as the first


def spread_frequencies(pairs: int, last: bool, device: torch.device | None = None) -> Tensor:
    """BASE^-m' for the pairs m = 0, 1, ...: m' = m / pairs, or with `last` evenly from 0 to 1, both included."""
    steps = torch.arange(pairs, dtype=torch.float64, device=device) / max(1, pairs - last)
    return BASE ** -steps


def place_angles(grid: Grid, pairs: tuple[int, int, int], last: bool = False,
                 device: torch.device | None = None) -> Tensor:
    """Angles (N, sum of pairs) of every token, float64: `pairs` turn by frame, by row and by column, in this order.

    Prefix tokens have no position and are not turned.
    """
    axes = grid.places(device).T.double()  # frames, rows, columns: (3, places)
    parts = [axis[:, None] * spread_frequencies(n, last, device) for axis, n in zip(axes, pairs, strict=True)]
    return pad(torch.cat(parts, -1), (0, 0, grid.prefix, 0))


def row_column_angles(width: int, grid: Grid, device: torch.device | None = None) -> Tensor:
    """Angles for pictures: half of the pairs of `width` channels by row, half by column, frequencies 1 to 1 / BASE."""
    pairs = width // 2
    return place_angles(grid, (0, pairs - pairs // 2, pairs // 2), True, device)


def rotate_rows_columns(x: Tensor, grid: Grid) -> Tensor:
    """x (B, H, N, D) turned by `row_column_angles`."""
    return rotate_pairs(x, row_column_angles(x.shape[-1], grid, x.device))


def clip_angles(width: int, grid: Grid, device: torch.device | None = None) -> Tensor:
    """Angles for clips: the first pairs of `width` channels by frame, width // 6 pairs by row, width // 6 by column."""
    each = width // 6
    return place_angles(grid, (width // 2 - 2 * each, each, each), device=device)
