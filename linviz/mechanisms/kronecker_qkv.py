"""Kronecker attention, QKV form: lines attend to lines, and a patch adds up the outputs of its lines.

    q_l, k_l, v_l = mean of q_j, k_j, v_j over the j on line l     l: the Y rows and the X columns of a picture
    a_lm = exp(q_l.k_m) / sum_n exp(q_l.k_n)                       o_l = sum_m a_lm v_m
    o_i = o_row(i) + o_column(i)       so A_ij = sum_(l through i) sum_(m through j) a_lm / length of m

An outer sum turns Y + X outputs into Y X patches. Unlike in the KV form, the queries are averaged, too: lines
have queries, single patches have none.

Gained: (Y + X)^2 pairs, hundreds of times fewer than N^2 for a picture of 56 x 56.
Lost: two patches in the same row differ only by the outputs of their columns. A is a plaid pattern over
queries and over keys. Rows sum to two (one output per line), so they are not probability distributions.
Clips: linviz's own extension takes three line averages, over all axes but time, rows or columns, and rows
sum to three. A prefix token is a line of its own and gets one output.

Cost: O((T + Y + X)^2 D + N (T + Y + X) (D + E)) time; for pictures without T.
Rank: at most Y + X - 1, for clips T + Y + X - 2.
Gao, Wang and Ji, 2020, arXiv 2007.08442. No official code was found. The package kronecker-attention-pytorch
has this form, also without 1/sqrt(D). It applies the output layer to the lines, so a patch gets the bias of
that layer twice.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..maps import Factored
from .base import Mechanism
from .kronecker_kv import line_averages, line_numbers, lower_rank_bound


class KroneckerQKV(Mechanism):
    """Softmax of the lines' mean queries over the lines' mean keys, summed at every patch."""

    name, title, family = "kronecker_qkv", "Kronecker (QKV)", "low-rank"
    paper = "Gao, Wang and Ji, 2020, arXiv 2007.08442"
    cost, rank, year = "(T + Y + X)^2 D + N (T + Y + X) (D + E)", "T + Y + X - 2; pictures Y + X - 1", 2020
    after = "kronecker_kv"
    takes_key_grid, positional, signed = False, True, True

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored:
        self.seat(q, k)
        mean = line_averages(self.grid, q)
        small, first = self.small(q, k), self.grid.prefix
        through = line_numbers(self.grid, q.device) + first  # (places, axes)
        left = torch.cat([small[..., :first, :], small[..., through, :].sum(-2)], -2)  # (B, H, N, L)
        return lower_rank_bound(Factored(left, mean.mT.expand(*q.shape[:2], -1, -1), stochastic=False), self.grid)

    def small(self, q: Tensor, k: Tensor) -> Tensor:
        """The map between lines: (B, H, L, L), rows sum to one."""
        mean = line_averages(self.grid, q)
        return ((mean @ q) @ (mean @ k).mT).softmax(-1)
