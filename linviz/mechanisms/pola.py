"""PolaFormer: keep the pairs that relu throws away, in a second map for the second half of the channels of v.

    u(x) = relu(x)^r      d(x) = relu(-x)^r      r = 1 + 4 sigmoid(P) in (1, 5), one learned power per channel
    same_ij = u(q_i).u(k_j) + d(q_i).d(k_j)          opposite_ij = d(q_i).u(k_j) + u(q_i).d(k_j)
    A_ij = same_ij / (sum_l same_il + S 1e-6)                   for the first half of the channels of v
    A_ij = opposite_ij / (sum_l opposite_il + S 1e-6)           for the second half

relu(q).relu(k) is zero wherever q or k is negative. Here same signs pull together in one map and opposite signs in
another: who is like me, and who is my opposite. Both maps are positive; no difference of the two is taken.

Gained: nothing is thrown away, rows sum to one, and powers above one concentrate them. The powers start at 3.
Lost: two maps instead of one, so channels of v do not share a map (`map.channel(c)`). While all powers are equal
the length of a query cancels, as in every kernel; once they differ it counts.
q and (k + t) are divided by softplus(gamma): gamma a learned scale per channel, t a learned table of positions, both
start at 0. +conv adds a depthwise convolution of v (the official one has the same kernels for all heads).

Cost: O(N D E) time, twice that of a kernel.   Rank: at most 2 D for each of the two; with +conv up to N.
Meng et al., 2025, arXiv 2501.15061. In a layer, the official code multiplies the output by a linear function of x.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..maps import ByChannel, Features, KernelMap, Map, Normaliser
from ._branches import Convolved
from .base import EPS

ALPHA = 4.0  # the powers lie between 1 and 1 + ALPHA


class Pola(Convolved):
    """`eps` times the number of keys is added to each row sum; `side` is that of +conv."""

    name, title, family = "pola", "PolaFormer", "kernel"
    paper = "Meng et al., 2025, arXiv 2501.15061"
    cost, rank, year, after = "2 N D E", "2 D; +conv: N", 2025, "focused"
    fixed = positional = True

    def build(self, eps: float = EPS, side: int = 5) -> None:
        self.eps = eps
        self.set_side(side)
        self.P = nn.Parameter(torch.zeros(self.heads, 1, self.width))
        self.gamma = nn.Parameter(torch.zeros(self.heads, 1, self.width))
        self.places = nn.Parameter(torch.zeros(self.heads, len(self.key_grid), self.width))

    def polarities(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """u and d of q or k (B, H, N, D)."""
        x, power = x / softplus(self.gamma), 1 + ALPHA * self.P.sigmoid()
        return x.relu() ** power, (-x).relu() ** power

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        self.seat(q, k)
        (q_plus, q_minus), (k_plus, k_minus) = self.polarities(q), self.polarities(k + self.corner(self.places, 1))
        queries, keys = torch.cat([q_plus, q_minus], -1), torch.cat([k_plus, k_minus], -1)
        crossed = torch.cat([q_minus, q_plus], -1)
        normaliser, half = Normaliser("add", self.eps * k.shape[-2]), -(-v.shape[-1] // 2)
        same, opposite = (KernelMap(Features(phi, keys), normaliser) for phi in (queries, crossed))
        return self.add_branch(ByChannel((half, same), (v.shape[-1] - half, opposite)))
