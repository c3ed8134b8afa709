"""Focused linear attention (FLatten): sharpen the direction of the features, and add a convolution of v.

    f(x) = y^p |y| / |y^p|   with y = (relu(x) + 1e-6) / softplus(gamma)      phi(q_i) = f(q_i), phi(k_j) = f(k_j + t_j)
    A_ij = phi(q_i).phi(k_j) / (sum_l phi(q_i).phi(k_l) + S 1e-6)             o_i = sum_j A_ij v_j + DWC(v)_i

f keeps the length of a vector and pulls its direction towards the largest axis. With p = 3 similar pairs come
closer and others move apart, so rows concentrate. t is a learned table of positions, gamma a learned scale per
channel (both start at 0). +conv adds DWC, a depthwise convolution of v within its frame, with one kernel per
channel, the same for all heads.

Gained: sharper rows at linear cost; with +conv an operator of full rank.
Lost: p does not change the rank: A is still L R^T with D columns. Only the convolution removes that bound. It
is a second map beside A: signed, local, independent of content, one per channel. With +conv, `shared` is A,
the part that all channels share, and channel(c) is the complete map of one channel.

Cost: O(N D E) time; +conv O(N P^2 E).   Rank: at most D; with +conv up to N, channel by channel.
Han et al., 2023, arXiv 2308.00442. The official code measures lengths over all channels of a token, across the
heads, before it splits them. So does linviz; per_head=True follows the paper. If a head is small in a token,
its cube is almost zero and the row dies under the 1e-6. reduction=r: coarser keys, as in the PVT form; v is
then interpolated back in raster order before the convolution.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..maps import Depthwise, Map, Normaliser, Sum
from ..settings import Number, Setting
from ._branches import SpatialReduction, upsampling_map
from .base import Kernel, Project

FLOOR = 1e-6  # added to relu so that no vector has length zero


class Focused(Kernel):
    """Features to the power of `power`, with lengths kept; `side` is that of the convolution added by +conv."""

    name, title = "focused", "focused (FLatten)"
    paper = "Han et al., 2023, arXiv 2308.00442"
    cost, rank, year, after = "N D E", "D; +conv: N", 2023, "relu"
    positional, fixed = True, True
    settings = {"power": Setting(Number(0.1, 16.0, step=0.1), "Power")}

    def build(self, power: float = 3, side: int = 5, per_head: bool = False, reduction: int = 1,
              channels: int | None = None) -> None:
        if power <= 0 or side < 1 or side % 2 == 0 or reduction < 1:
            raise ValueError(f"power is positive, side odd and reduction 1 or more; got {power}, {side}, {reduction}")
        self.power, self.side = power, side
        self.axes = (3,) if per_head else (1, 3)
        channels = channels or self.heads * self.width
        self.shrink = SpatialReduction(channels, reduction, self.grid) if reduction > 1 else None
        self.key_grid = self.shrink.onto if self.shrink is not None else self.key_grid
        self.gamma = nn.Parameter(torch.zeros(self.heads, 1, self.width))
        self.places = nn.Parameter(torch.zeros(self.heads, len(self.key_grid), self.width))
        self.conv: nn.Parameter | None = None

    def add_conv(self) -> None:
        self.signed = True
        self.conv = nn.Parameter(torch.randn(self.value_width, self.side, self.side) / self.side)
        self.conv_bias = nn.Parameter(torch.zeros(self.value_width))

    def focus(self, x: Tensor) -> Tensor:
        """f of q or k (B, H, N, D): the power of every channel, rescaled to the original length of the vector."""
        x = (x.relu() + FLOOR) / softplus(self.gamma)
        largest = x.detach().amax(self.axes, keepdim=True)  # it cancels, and keeps powers and squares finite
        x = x / largest
        y = x ** self.power
        return y * (largest * self._length(x) / self._length(y))

    def _length(self, x: Tensor) -> Tensor:
        return x.square().sum(self.axes, keepdim=True).sqrt()

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        self.seat(q, k)
        return self.focus(q), self.focus(k + self.corner(self.places, 1))

    @property
    def normaliser(self) -> Normaliser:
        return Normaliser("add", self.eps * len(self.key_grid))

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        a = super().map(q, k, v)
        if self.conv is None:
            return a
        reduced = len(self.key_grid) != len(self.grid)
        before: Map | None = upsampling_map(k.shape[-2], q.shape[-2], q) if reduced else None
        return Sum(a, Depthwise(self.conv.expand(self.heads, -1, -1, -1), self.grid, len(q), before))

    def finish(self, o: Tensor, q: Tensor) -> Tensor:
        return o if self.conv is None else o + self.conv_bias

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        small = x if self.shrink is None else self.shrink(x)
        return to_q(x), to_k(small), to_v(small)
