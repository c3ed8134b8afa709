"""Vicinity attention: a kernel whose weights fade with the distance in rows and in columns.

    a_i = pi/2 row_i / Y      b_i = pi/2 column_i / X
    A_ij = relu(q_i).relu(k_j) [cos(a_i - a_j) + cos(b_i - b_j)] / (row sum + 1e-4)

The cosine of a difference splits, cos(a - b) = cos a cos b + sin a sin b, so the locality is a product of
features, four per channel: phi(x) = relu(x) times each of cos a, sin a, cos b, sin b.
form="product": cos(a_i - a_j) cos(b_i - b_j), which uses the four products of these functions instead.

Gained: locality at linear cost, and four times the rank of the plain kernel.
Lost: the weights fade slowly: a patch at the far end of the same row keeps half of the bracket, and only the
opposite corner has almost nothing. A query without a positive channel gives a dead row.
In a layer: reduction=r gives coarser keys (convolution and norm on x, before to_k and to_v), and the output is
multiplied by 1 + sigmoid(W2 relu(W1 mean_i x_i)), channel by channel (feature preserving connection).
Frames are ignored: distance in time does not matter. A prefix token has the position of the picture's middle.

Cost: O(N D E) time, four times that of a kernel.   Rank: at most 4 D.
Sun et al., 2022, arXiv 2206.10552. clip=True as in the official code: magnitudes below 1e-4 are raised to 1e-4
in five intermediate results, so the output is not linear in v and is not map times values; the map shown is
that of the formula. Only small magnitudes are affected: weights near one do not change.
"""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ..grid import Grid
from ..maps import Features
from ._branches import SpatialReduction
from .base import Kernel, Project


class Vicinity(Kernel):
    """relu features times cosines of position. `channels`: C of the layer, if it is not heads x width."""

    name, title = "vicinity", "vicinity"
    paper = "Sun et al., 2022, arXiv 2206.10552"
    cost, rank, year, after = "4 N D E", "4 D", 2022, "cosformer"
    positional = True
    eps = 1e-4

    def build(self, form: str = "sum", reduction: int = 1, clip: bool = False, channels: int | None = None) -> None:
        if form not in ("sum", "product") or reduction < 1:
            raise ValueError(f"form is 'sum' or 'product' and reduction is 1 or more; got {form!r} and {reduction}")
        C = channels or self.heads * self.width
        self.form, self.linear = form, not clip
        self.shrink = SpatialReduction(C, reduction, self.grid) if reduction > 1 else None
        self.key_grid = self.shrink.onto if self.shrink is not None else self.key_grid
        self.squeeze, self.excite = nn.Linear(C, C, bias=False), nn.Linear(C, C, bias=False)

    @property
    def features_wide(self) -> int:
        return 4 * self.width

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        self.seat(q, k)
        return self._placed(q, self.grid), self._placed(k, self.key_grid)

    def _placed(self, x: Tensor, grid: Grid) -> Tensor:
        """relu(x) times four functions of position: (B, H, N, D) -> (B, H, N, 4 D)."""
        down, across = place_waves(grid, x)
        if self.form == "product":
            turns = (down.unsqueeze(-1) * across.unsqueeze(-2)).flatten(-2)  # (N, 4)
        else:
            turns = torch.cat([down, across], -1)
        return (x.relu().unsqueeze(-2) * turns.unsqueeze(-1)).flatten(-2)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> Tensor:
        if self.linear:
            return super().forward(q, k, v, **context)
        phi_q, phi_k = self.gated(Features(*self.features(q, k)), v).gated()
        share = clamp_magnitude(1 / self.normaliser(phi_q @ phi_k.sum(-2, keepdim=True).mT))
        return clamp_magnitude(clamp_magnitude(phi_q @ clamp_magnitude(phi_k.mT @ v)) * share)

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        small = x if self.shrink is None else self.shrink(x)
        return to_q(x), to_k(small), to_v(small)

    def close(self, o: Tensor, x: Tensor, out: Project) -> Tensor:
        y, kept = out(o), 1 + self.excite(self.squeeze(x.mean(1, keepdim=True)).relu()).sigmoid()
        return y * kept if self.linear else clamp_magnitude(clamp_magnitude(y) * kept)


def place_waves(grid: Grid, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the row angle and of the column angle of every token: (N, 2) each."""
    angles = math.pi / 2 * grid.places(like.device)[:, 1:].to(like) / like.new_tensor((grid.Y, grid.X))
    angles = pad(angles, (0, 0, grid.prefix, 0), value=math.pi / 4)
    a, b = torch.stack([angles.cos(), angles.sin()], -1).unbind(1)
    return a, b


def clamp_magnitude(x: Tensor) -> Tensor:
    """Clamp magnitudes to 1e-4..1e4 and keep signs; zero stays zero."""
    return x.abs().clamp(1e-4, 1e4) * x.sign()
