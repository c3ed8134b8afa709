"""AFT-full: attention without a product of q and k. A learned table of positions determines where to look.

    o_ic = sigmoid(q_ic) sum_j exp(k_jc + w_ij) v_jc  /  sum_j exp(k_jc + w_ij)         c: a channel

w has one number for every pair of positions, shared by all channels and heads, and does not depend on the
picture. Each channel c has its own map, A_ij = softmax_j(k_jc + w_ij): the table w, reweighted by the size of
key j in this channel. The query gates the output (`finish`) and never chooses where to look.

exp(k + w) = exp(k) exp(w): the table is exponentiated once and then multiplies exp(k) v as a matrix.
causal=True: w_ij = -inf for j > i.   factors=r: w = u u'^T from two thin tables of width r.

Gained: rows may differ by position, without heads and without storing an N x N table per channel.
Lost: still N x S pairs in time; w fixes the number of tokens; content only decides how large a key is.
There is no single table to draw: use read(..., channel=c).

Cost: O(N S D) time, O(N S + N D) memory.   Rank: up to min(N, S) per channel.
Zhai et al., 2021, arXiv 2105.14103. No official code was found. The package fast-transformers multiplies k
by w where the paper (and its own comment) adds.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..maps import PerChannel, ReweightedTable
from .aft_simple import AFT


class AFTFull(AFT):
    """A learned table w (N, S), or the product of two tables of width `factors`."""

    name, title = "aft_full", "AFT-full"
    cost, rank, after = "N S D", "min(N, S) per channel", "softmax"
    positional, fixed = True, True

    def build(self, factors: int | None = None) -> None:
        if factors is not None and factors < 1:
            raise ValueError(f"w needs factors of width 1 at least; got factors={factors}")
        sides, thin = (len(self.grid), len(self.key_grid)), factors or len(self.key_grid)
        std = 0.02 if factors is None else 0.02 ** 0.5 / factors ** 0.25  # w has a deviation of 0.02 in both cases
        self.table = nn.Parameter(torch.randn(sides[0], thin) * std)
        self.factor = None if factors is None else nn.Parameter(torch.randn(sides[1], thin) * std)

    @property
    def w(self) -> Tensor:
        """The table of positions for the current grid: (N, S)."""
        rows = self.corner(self.table, 0)
        return self.corner(rows, 1) if self.factor is None else rows @ self.corner(self.factor, 0).mT

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> PerChannel:
        self.seat(q, k)
        w = self.w
        if self.causal:
            w = w.masked_fill(torch.ones_like(w, dtype=torch.bool).triu(1), -torch.inf)
        return PerChannel(ReweightedTable(w, k.mT))
