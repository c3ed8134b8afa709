"""Additive attention: a small network compares a query with a key, instead of their product.

    e_ij = w.tanh(q_i + k_j)        A_ij = exp(e_ij) / sum_l exp(e_il)        q = W s, k = U h

The first attention: a translator's decoder, in state s_i, looks back at the states h_j of all S words it has
read, instead of carrying the sentence in one fixed vector. W and U are the layers of q and k; v is h itself.
The words query, key and value came later.

Gained: s and h may differ in width, and the scores are bounded by sum |w|, so rows do not saturate.
Lost: a tanh for every pair and channel, N S D of them, and nothing to be moved: tanh(q_i + k_j) is no product
of a part of i and a part of j, so no bracket splits and no kernel trick makes it linear.
The tanh is what makes it attention: without it w.q_i is the same for every key, cancels in the softmax, and
all queries look at the same place.
causal=True: key j > i is forbidden (as self-attention; a decoder is sequential by itself).

Cost: O(N S D) time; O(N S) memory if rows are kept, k_j once for all i.   Rank: up to min(N, S).
Bahdanau, Cho and Bengio, 2014, arXiv 1409.0473. One w a head, drawn from N(0, 1). Common code has one layer
over [s; h] with a bias: the bias of the layer of q.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..maps import Scored
from .base import Mechanism

AT_ONCE = 1 << 22  # numbers of one clip and channel that are held at once

class Additive(Mechanism):
    """Softmax over keys of w.tanh(q + k)."""

    name, title, family, year = "additive", "additive (Bahdanau)", "softmax", 2014
    paper = "Bahdanau, Cho and Bengio, 2014, arXiv 1409.0473"
    cost, rank = "N S D", "min(N, S)"
    takes_causal = True

    def build(self) -> None:
        self.w = nn.Parameter(torch.randn(self.heads, self.width))

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Scored:
        some = max(1, AT_ONCE // k[0, ..., 0].numel())
        return Scored(lambda i: torch.cat([self.scores(q, k, n) for n in i.split(some)], -2),
                      (q.shape[-2], k.shape[-2]), q)

    def scores(self, q: Tensor, k: Tensor, i: Tensor) -> Tensor:
        """e of the queries i, (B, H, n, S): channel after channel, which is twice as quick as all D at once."""
        e = q.new_zeros(())
        for q_c, k_c, w_c in zip(q[..., i, :].unbind(-1), k.unbind(-1), self.w.unbind(-1), strict=True):
            e = e + w_c[:, None, None] * (q_c[..., :, None] + k_c[..., None, :]).tanh()
        future = torch.arange(k.shape[-2]) > i[:, None]
        return e.masked_fill(future, -torch.inf) if self.causal else e
