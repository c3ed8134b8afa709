"""Parts that several mechanisms share: a depthwise convolution of v, coarser keys, tables indexed by steps."""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..grid import Grid
from ..maps import Depthwise, Map, Sparse, Sum
from .base import Mechanism


def upsampling_map(keys: int, queries: int, like: Tensor) -> Sparse:
    """Linear interpolation in raster order from fewer keys to all queries: (queries, keys), two weights per row."""
    at = ((torch.arange(queries, device=like.device).to(like) + 0.5) * keys / queries - 0.5).clamp(0, keys - 1)
    low = at.floor().long()
    index = torch.stack([low, (low + 1).clamp(max=keys - 1)], -1)
    return Sparse(index, torch.stack([1 - (at - low), at - low], -1), keys)


def step_indices(start: Tensor, end: Tensor, built: Grid) -> Tensor:
    """The entry of a table of steps for each pair of positions: start (n, 3), end (m, 3) -> (n, m) int64.

    The table has one entry for every step (frames, rows, columns) that fits the grid for which it was built:
    (2T - 1)(2Y - 1)(2X - 1) entries, with the zero step in the middle.
    """
    t, y, x = (end - start[:, None]).unbind(-1)
    return ((t + built.T - 1) * (2 * built.Y - 1) + y + built.Y - 1) * (2 * built.X - 1) + x + built.X - 1


def step_count(grid: Grid) -> int:
    """The number of entries of a table of steps on this grid."""
    return (2 * grid.T - 1) * (2 * grid.Y - 1) * (2 * grid.X - 1)


def root_mean_square_norm(x: Tensor, weight: Tensor, eps: float = 1e-5) -> Tensor:
    """x / sqrt(mean x^2 + eps) over the last axis, times weight (E,): torch's rms_norm, for x of any size.

    >>> root_mean_square_norm(torch.full((1, 2), 1e30), torch.ones(2)).tolist()
    [[1.0, 1.0]]
    """
    size = x.detach().abs().amax(-1, keepdim=True).clamp_min(1)  # it cancels, and keeps the squares finite
    x = x / size
    return x * (x.square().mean(-1, keepdim=True) + eps / size.square()).rsqrt() * weight


class SpatialReduction(nn.Module):
    """Coarser keys, as in PVT: a convolution with side and stride r in each frame, then a norm over channels."""

    def __init__(self, channels: int, r: int, grid: Grid) -> None:
        super().__init__()
        if min(grid.Y, grid.X) < r:
            raise ValueError(f"a reduction of {r} needs at least {r} rows and columns; got {grid}")
        self.grid, self.onto = grid, Grid(grid.T, grid.Y // r, grid.X // r, grid.prefix)
        self.conv, self.norm = nn.Conv2d(channels, channels, r, r), nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, N, C) -> (B, S, C): r x r patches become one key; prefix tokens are unchanged."""
        small = self.conv(self.grid.fold(x).flatten(0, 1).movedim(-1, 1))  # (B*T, C, Y/r, X/r)
        small = small.movedim(1, -1).reshape(len(x), -1, x.shape[-1])
        return torch.cat([x[:, :self.grid.prefix], self.norm(small)], 1)


class Convolved(Mechanism):
    """A mechanism to which +conv adds a depthwise convolution of v: one kernel for each channel of each head.

    `build` calls `set_side`; `map` ends with `add_branch`. Prefix tokens lie outside the convolution.
    """

    def set_side(self, side: int) -> None:
        """The side of the convolution, odd."""
        if side < 1 or side % 2 == 0:
            raise ValueError(f"the side of the convolution must be odd; got {side}")
        self.side = side
        self.conv: nn.Parameter | None = None

    def add_conv(self) -> None:
        if self.key_grid != self.grid:
            raise ValueError(f"the convolution of {self.name} needs queries and keys on one grid; leave out +conv or "
                             "key_grid")
        self.signed = True
        self.conv = nn.Parameter(torch.randn(self.heads, self.value_width, self.side, self.side) / self.side)
        self.conv_bias = nn.Parameter(torch.zeros(self.heads, 1, self.value_width))

    def add_branch(self, a: Map) -> Map:
        """The map with the convolution beside it, if there is one."""
        return a if self.conv is None else Sum(a, Depthwise(self.conv, self.grid, a.lead[0]))

    def finish(self, o: Tensor, q: Tensor) -> Tensor:
        if self.conv is None:
            return o
        prefix = self.grid.prefix
        return torch.cat([o[..., :prefix, :], o[..., prefix:, :] + self.conv_bias], -2)
