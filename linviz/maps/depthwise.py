"""The map of a depthwise convolution of v: a sparse map for each channel, applied as the convolution that it is.

Row i holds the kernel around token i, with zeros outside the picture. The kernel stays within a frame. Prefix tokens
have no position, so their rows are empty. As a sparse map, each channel would gather N P^2 values through an index
that is the same for all channels; torch's own convolution reads v once.
"""
from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ..grid import Grid
from .base import Map
from .combine import ChannelMaps, Product
from .sparse import Sparse


def window_indices(grid: Grid, side: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """The side x side patches around every token: token numbers (N, side^2), and whether each of them exists."""
    steps = Grid(1, side, side).places(device)[:, 1:] - side // 2
    t, y, x = grid.places(device).T[:, :, None]  # (places, 1) each
    y, x = y + steps[:, 0], x + steps[:, 1]
    inside = (y >= 0) & (y < grid.Y) & (x >= 0) & (x < grid.X)
    numbers = grid.prefix + (t * grid.Y + y) * grid.X + x
    return pad(numbers * inside, (0, 0, grid.prefix, 0)), pad(inside, (0, 0, grid.prefix, 0))


class Depthwise(ChannelMaps):
    """kernel (H, E, P, P) or (batch, H, E, P, P), `before`, if there is one, is applied to v first.

    >>> a = Depthwise(torch.ones(1, 1, 3, 3), Grid(Y=1, X=3), batch=1)
    >>> a.apply(torch.tensor([1.0, 2.0, 4.0])[None, None, :, None]).flatten().tolist()
    [3.0, 7.0, 6.0]
    >>> a.channel(0).dense()[0, 0].tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    """

    stochastic = False

    def __init__(self, kernel: Tensor, grid: Grid, batch: int, before: Map | None = None) -> None:
        if kernel.ndim not in (4, 5) or kernel.shape[-1] != kernel.shape[-2] or 0 in kernel.shape:
            raise ValueError("the kernel of a convolution is (heads, channels, side, side), with a batch or without; "
                             f"got {tuple(kernel.shape)}")
        self.kernel, self.grid, self.before = kernel.expand(batch, *kernel.shape[-4:]), grid, before
        self.shape = (len(grid), len(grid) if before is None else before.shape[1])
        self.rank_bound = min(self.shape)

    @cached_property
    def maps(self) -> Map:
        """The map of every channel, with the leading axes (B, H, E): for rows, never for the output."""
        index, inside = window_indices(self.grid, self.kernel.shape[-1], self.device)
        weights = self.kernel.flatten(-2).unsqueeze(-2) * inside  # (B, H, E, N, P P)
        conv = Sparse(index, weights, len(self.grid), stochastic=False)
        return conv if self.before is None else Product(conv, self.before)

    @property
    def like(self) -> Tensor:
        return self.kernel

    @property
    def lead(self) -> tuple[int, ...]:
        return tuple(self.kernel.shape[:2])

    def channel(self, c: int) -> Map:
        return self.maps.nth(c)

    def apply(self, v: Tensor) -> Tensor:
        v = v if self.before is None else self.before.apply(v)
        grid, (B, H, E, P, _) = self.grid, self.kernel.shape
        v = v.expand(B, H, *v.shape[-2:])
        frames = v[..., grid.prefix:, :].unflatten(-2, (grid.T, grid.Y, grid.X))  # (B, H, T, Y, X, E)
        x = frames.permute(2, 0, 1, 5, 3, 4).flatten(1, 3)  # (T, B H E, Y, X): every channel has its own kernel
        x = pad(x, (P // 2, (P - 1) // 2, P // 2, (P - 1) // 2))
        o = conv2d(x, self.kernel.reshape(B * H * E, 1, P, P).to(v.dtype), groups=B * H * E)
        o = o.unflatten(1, (B, H, E)).permute(1, 2, 0, 4, 5, 3).flatten(2, 4)  # (B, H, T Y X, E)
        return pad(o, (0, 0, grid.prefix, 0))
