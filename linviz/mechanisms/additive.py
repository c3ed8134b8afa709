"""Additive attention: a small network compares a query with a key, instead of taking their product.

    e_ij = w.tanh(q_i + k_j)        A_ij = exp(e_ij) / sum_l exp(e_il)        q = W s, k = U h

This was the first attention. The decoder of a translator, in state s_i, looks back at the states h_j of all S
words that it has read, instead of carrying the sentence in one fixed vector. W and U are the layers of q and
k; v is h itself. The words query, key and value came later.

Gained: s and h may differ in width. The scores are bounded by sum |w|, so rows do not saturate.
Lost: a tanh for every pair and channel, N S D in total, and no rearrangement: tanh(q_i + k_j) is not a
product of a part of i and a part of j, so no bracket can be moved and no kernel trick makes it linear.
The tanh is essential: without it w.q_i is the same for every key and cancels in the softmax, so all queries
would look at the same place.
causal=True: key j > i is forbidden (as self-attention; a decoder is sequential anyway).

Cost: O(N S D) time; O(N S) memory if rows are kept, with k_j computed once for all i.   Rank: up to min(N, S).
Bahdanau, Cho and Bengio, 2014, arXiv 1409.0473. One w per head, drawn from N(0, 1). Common code has one layer
over [s; h] with a bias, which here is the bias of the layer of q.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..maps import FunctionScores
from .base import Mechanism

AT_ONCE = 1 << 22  # numbers of one clip and channel in memory at once

class Additive(Mechanism):
    """Softmax over keys of w.tanh(q + k)."""

    name, title, family, year = "additive", "additive (Bahdanau)", "softmax", 2014
    paper = "Bahdanau, Cho and Bengio, 2014, arXiv 1409.0473"
    cost, rank = "N S D", "min(N, S)"
    takes_causal = True

    def build(self) -> None:
        self.w = nn.Parameter(torch.randn(self.heads, self.width))

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> FunctionScores:
        some = max(1, AT_ONCE // k[0, ..., 0].numel())
        return FunctionScores(lambda i: torch.cat([self.scores(q, k, n) for n in i.split(some)], -2),
                      (q.shape[-2], k.shape[-2]), q)

    def scores(self, q: Tensor, k: Tensor, i: Tensor) -> Tensor:
        """e of the queries i, (B, H, n, S): channel by channel, which is twice as fast as all D at once."""
        e = q.new_zeros(())
        for q_c, k_c, w_c in zip(q[..., i, :].unbind(-1), k.unbind(-1), self.w.unbind(-1), strict=True):
            e = e + w_c[:, None, None] * (q_c[..., :, None] + k_c[..., None, :]).tanh()
        future = torch.arange(k.shape[-2], device=i.device) > i[:, None]
        return e.masked_fill(future, -torch.inf) if self.causal else e
