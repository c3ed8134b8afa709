"""NaLaFormer: the length of the query becomes the power to which its direction is raised.

    n_i = |q_i|      u_i = q_i / n_i      w_i = 3 (1/2 + tanh n_i), between 1.5 and 4.5
    phi(q_i) = [relu(u_i)^w_i ; relu(-u_i)^w_i]        phi(k_j) = [relu(k_j)^3 ; relu(-k_j)^3]
    A_ij = phi(q_i).phi(k_j) / (sum_m phi(q_i).phi(k_m) + S 1e-6)

A higher power pulls a direction towards its largest channel, so a longer query has a sharper row. Negative
channels are kept in a second half of the features instead of being cut off.

Gained: a row that reacts to the length of its query although no weight is negative, and twice the rank.
Lost: tanh is full at a length of about 2. With 16 channels of unit variance a query has length 4: the power is 4.5
for almost every query and the length has no effect. Keys are cubed with their length, so long keys weigh most for
all queries.
rotate=True, as published: each half is rotated by row and column above the fraction only, so weights can be
negative and rows need not sum to one; frames are not told apart. rotate=False: rows sum to one.
+conv adds a depthwise convolution of v, LePE, with one kernel for each channel of each head.

Cost: O(N D E) time, twice that of a kernel.   Rank: at most 2 D; with +conv up to N.
NaLaFormer, 2025, arXiv 2506.21137. In a layer, the official code then applies a layer norm and multiplies by
silu(g), with g linear in x. It divides by n without an epsilon: a query of zeros is NaN there, and a dead row here.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..maps import Features, KernelMap, Map, Normaliser, RotatedKernel
from ..settings import Setting, Switch
from ._branches import Convolved
from ._rotation import row_column_angles
from .base import Kernel


class Nala(Convolved, Kernel):
    """`rotate`: positions by rotation; `side` is that of the convolution added by +conv."""

    name, title = "nala", "NaLaFormer"
    paper = "NaLaFormer, 2025, arXiv 2506.21137"
    cost, rank, year = "2 N D E", "2 D; +conv: N", 2025
    positional = True
    settings = {"rotate": Setting(Switch(), "Rotated positions")}

    def build(self, rotate: bool = True, side: int = 5) -> None:
        self.rotate, self.signed = rotate, rotate
        self.set_side(side)

    @property
    def features_wide(self) -> int:
        return 2 * self.width

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        length = q.norm(dim=-1, keepdim=True)
        power = 3 * (0.5 + length.tanh())
        direction = q / length.where(length > 0, torch.ones_like(length))
        return signed_power(direction, power), signed_power(k, 3.0)

    @property
    def normaliser(self) -> Normaliser:
        return Normaliser("add", self.eps * len(self.key_grid))

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        self.seat(q, k)
        features = self.gated(Features(*self.features(q, k)), v)
        if not self.rotate:
            return self.add_branch(KernelMap(features, self.normaliser))
        angles = [row_column_angles(self.width, grid, q.device) for grid in (self.grid, self.key_grid)]
        return self.add_branch(RotatedKernel(features, self.normaliser, angles, self.width))  # each half by itself


def signed_power(x: Tensor, power: Tensor | float) -> Tensor:
    """[relu(x)^power ; relu(-x)^power]: (B, H, N, D) -> (B, H, N, 2 D)."""
    return torch.cat([x.relu() ** power, (-x).relu() ** power], -1)
