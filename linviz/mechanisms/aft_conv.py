"""AFT-conv: the position bias depends only on the step from query to key, so it is a convolution.

    o_ic = sigmoid(q_ic) sum_j exp(u.k_j + w_(j-i)) v_jc  /  sum_j exp(u.k_j + w_(j-i))    c: a channel
    w is learned for the P x P patches around i in its frame, and zero elsewhere

The key is one number per token and head, not one per channel: a learned vector u computes it from the D
channels of k_j. So each head has one map for all its channels, and this map can be drawn.

Far keys have the same weight in every row. Their sum is computed once, and a convolution corrects the near keys:
    sum_j exp(u.k_j) v_j + conv(exp(w) - 1)[exp(u.k) v]      and the same for the denominator with v = 1
causal=True: j <= i in raster order; the sum becomes a running sum, and the kernel loses all later positions.

Gained: P^2 numbers per head instead of N x N, the same everywhere, so w is not tied to one picture size.
Lost: the query does not choose where to look; far keys differ by content alone.
The window lies within one frame; other frames count as far. For a prefix token every key is far.

Cost: O(N P^2 D) time, O(N (P^2 + D)) memory.   Rank: up to N.
Zhai et al., 2021, arXiv 2105.14103. No official code was found, and w is not normalised here.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..maps import Banded, window_indices
from .aft_simple import AFT


class AFTConv(AFT):
    """One number per key and head, and a learned side x side kernel of biases for each head."""

    name, title = "aft_conv", "AFT-conv"
    cost, rank, after = "N P^2 D", "N", "aft_local"
    takes_key_grid, positional = False, True

    def build(self, side: int = 7) -> None:
        if side < 1 or side % 2 == 0:
            raise ValueError(f"the kernel needs an odd side, so that it has a centre; got side={side}")
        self.kernel = nn.Parameter(torch.randn(self.heads, side, side) * 0.02)
        self.reader = nn.Parameter(torch.full((self.heads, self.width), self.width ** -0.5))

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Banded:
        self.seat(q, k)
        index, inside = window_indices(self.grid, self.kernel.shape[-1], k.device)
        bias = self.kernel.flatten(-2).unsqueeze(-2) * inside  # (H, N, P*P)
        return Banded(index, bias, (k * self.reader[:, None]).sum(-1), self.causal)
