"""AFT-simple: attention without a product of q and k. The keys alone decide where to look, channel by channel.

    o_ic = sigmoid(q_ic) sum_j exp(k_jc) v_jc  /  sum_j exp(k_jc)                   c: a channel

Each channel c has its own map, A_ij = softmax_j(k_jc), whose rows are all equal. The query does not choose
where to look; after the map, it only decides how much of each channel to take.
causal=True: both sums run up to j = i, so they are running sums, and rows differ because they end differently.

Gained: no product of q and k, no heads (every channel is one), the cost of a weighted mean.
Lost: one map for all queries, of rank 1 per channel. Two tokens differ only by their gates.
There is no single table to draw: use read(..., channel=c). The gate lies outside the map (`finish`), so rows
sum to one, but the weight that reaches the output is smaller.

Cost: O(N D) time and memory.   Rank: 1 per channel; causal: up to N.
Zhai et al., 2021, arXiv 2105.14103. No official code was found. The causal form of the package
fast-transformers divides each key by its own running sum before it adds the keys up, which is another formula.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..maps import Banded, Factored, PerChannel
from .base import Mechanism


class AFT(Mechanism):
    """The common part of attention-free transformers: one number per key and channel, and a gate after the map."""

    family, paper, year = "content-free", "Zhai et al., 2021, arXiv 2105.14103", 2021
    takes_causal, equal_widths = True, True

    def finish(self, o: Tensor, q: Tensor) -> Tensor:
        return q.sigmoid() * o


class AFTSimple(AFT):
    """A softmax of k over positions, separately for each channel."""

    name, title = "aft_simple", "AFT-simple"
    cost, rank, after = "N D", "1 per channel", "aft_full"

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> PerChannel:
        key, N = k.mT, q.shape[-2]  # (B, H, D, S)
        if not self.causal:
            return PerChannel(Factored(key.new_ones(*key.shape[:3], N, 1), key.softmax(-1).unsqueeze(-1)))
        if N != k.shape[-2]:
            raise ValueError(f"a causal map pairs query i with key i; got {N} queries and {k.shape[-2]} keys")
        here = torch.arange(N, device=k.device)[:, None]
        return PerChannel(Banded(here, key.new_zeros(N, 1), key, causal=True))
