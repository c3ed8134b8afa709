"""MALA: give linear attention back the length of the query, as contrast.

    p_ij = phi(q_i).phi(k_j) / sum_m phi(q_i).phi(k_m)       phi(x) = elu(x) + 1
    z_i  = D^-1/2 phi(q_i).mean_m phi(k_m)                   grows with the length of phi(q_i)
    A_ij = (1 + 1/z_i) D^-1/2 phi(q_i).phi(k_j) / N - z_i / N   =   p_ij + z_i (p_ij - 1/N)

In linear attention the length of phi(q_i) stands above and below the fraction and cancels. Here it decides how
far the row moves away from 1/N: c = 1 + z_i is the contrast of A = 1/N + c (p - 1/N). c = 0 is uniform attention,
c = 1 linear attention, c = z_i InLine.

Gained: a longer query has a row of higher contrast, at the cost of linear attention.
Lost: weights below (1 - 1/c)/N of p become negative, so entropy is not defined. The length is that of phi(q):
phi of a long vector with negative channels is short. The rank hardly grows: A = L R^T with D + 1 columns.
rotate=True, as published: phi(q_i) and phi(k_j) are rotated by row and column, but z_i is not, so rows need not
sum to one; frames are not told apart. rotate=False: rows sum to z / (z + 1e-6).
+conv adds a depthwise convolution of v, LePE, with one kernel for each channel of each head.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D + 1; with +conv up to N.
Fan et al., 2025, arXiv 2507.00698. The official code multiplies the output, LePE included, by a linear function of
x before the last layer, and adds 1e-6 to z only in 1/z. Stages 3 and 4 of all its networks are plain softmax.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..maps import Factored, Map
from ..settings import Setting, Switch
from ._branches import Convolved
from ._rotation import rotate_rows_columns
from .base import EPS
from .linear import elu_plus_one


class Mala(Convolved):
    """`rotate`: positions by rotation; `eps` is added to z; `side` is that of the convolution added by +conv."""

    name, title, family = "mala", "MALA", "kernel"
    paper = "Fan et al., 2025, arXiv 2507.00698"
    cost, rank, year, after = "N D E", "D + 1; +conv: N", 2025, "linear"
    signed = positional = True
    settings = {"rotate": Setting(Switch(), "Rotated positions")}

    def build(self, rotate: bool = True, eps: float = EPS, side: int = 5) -> None:
        self.rotate, self.eps = rotate, eps
        self.set_side(side)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        phi_q, phi_k = elu_plus_one(q), elu_plus_one(k)
        scale, S = self.width ** -0.5, k.shape[-2]
        z = scale * phi_q @ phi_k.mean(-2, keepdim=True).mT  # (B, H, N, 1)
        if self.rotate:
            self.seat(q, k)
            phi_q, phi_k = rotate_rows_columns(phi_q, self.grid), rotate_rows_columns(phi_k, self.key_grid)
        left = torch.cat([phi_q * (scale / S) * (1 + 1 / (z + self.eps)), -z / S], -1)
        right = torch.cat([phi_k, torch.ones_like(phi_k[..., :1])], -1)
        return self.add_branch(Factored(left, right, stochastic=False))
