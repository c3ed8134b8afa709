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


def rotate_pairs(x: Tensor, angles: Tensor) -> Tensor:
    """x (..., N, D) with its pairs of channels turned by angles (N, P) or (H, N, P); channels past 2 P stay.

    >>> rotate_pairs(torch.tensor([[1.0, 0.0, 5.0]]), torch.tensor([[torch.pi / 2]])).round(decimals=3).abs().tolist()
    [[0.0, 1.0, 5.0]]
    """
    cos, sin, P = angles.cos().to(x.dtype), angles.sin().to(x.dtype), angles.shape[-1]
    a, b = x[..., 0:2 * P:2], x[..., 1:2 * P:2]
    turned = torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)
    return torch.cat([turned, x[..., 2 * P:]], -1)


def rotate_rows_columns(x: Tensor, grid: Grid) -> Tensor:
    """x (B, H, N, D): half of each head's pairs turned by row, half by column, frequencies from 1 to 1 / BASE."""
    pairs = x.shape[-1] // 2
    return rotate_pairs(x, place_angles(grid, (0, pairs - pairs // 2, pairs // 2), True, x.device))


def rotate_clip(x: Tensor, grid: Grid, tokens: slice = slice(None)) -> Tensor:
    """x (B, H, N, D): the first pairs turn by frame, then D // 6 pairs by row and D // 6 by column.

    `tokens` of the grid, where x holds only some of them.
    """
    each = x.shape[-1] // 6
    angles = place_angles(grid, (x.shape[-1] // 2 - 2 * each, each, each), device=x.device)
    return rotate_pairs(x, angles[tokens])
