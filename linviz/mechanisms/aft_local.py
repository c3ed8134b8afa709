"""AFT-local: the position table of AFT-full, kept only near the diagonal. The attention is still global.

    o_ic = sigmoid(q_ic) sum_j exp(k_jc + w_ij) v_jc  /  sum_j exp(k_jc + w_ij)         c: a channel
    w_ij is learned where |i - j| < s, and zero elsewhere

Zero is not minus infinity: a far key keeps its full weight exp(k_jc), but its position has no influence.
Every token stays visible. Positions matter only locally; the attention does not end there.

Far keys have the same weight in every row. Their sum is computed once and the near keys are corrected:
exp(k + w) = exp(k) + (exp(w) - 1) exp(k).   causal=True: j <= i only, and the sum is a running sum.

Gained: AFT-full without its N x S pairs.
Lost: the query does not choose where to look, and beyond s positions only the content of the key matters.
i and j count tokens in raster order, frame by frame; in a picture the patch below is X tokens away. s = 1 is
the diagonal alone. There is no single table to draw: use read(..., channel=c).

Cost: O(N s D) time, O(N (s + D)) memory.   Rank: up to N per channel.
Zhai et al., 2021, arXiv 2105.14103. No official code was found.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..maps import Banded, PerChannel
from ..settings import Setting, Whole
from .aft_simple import AFT


class AFTLocal(AFT):
    """A learned bias for the keys less than `window` tokens away: row i of `band` holds j = i - s + 1 ... i + s - 1."""

    name, title = "aft_local", "AFT-local"
    cost, rank, after = "N s D", "N per channel", "aft_full"
    takes_key_grid, positional, fixed = False, True, True
    settings = {"window": Setting(Whole(1, 4096), "Window, in tokens")}

    def build(self, window: int = 16) -> None:
        if window < 1:
            raise ValueError(f"window must be at least 1, the token itself; got window={window}")
        self.reach = min(window, len(self.grid)) - 1
        self.band = nn.Parameter(torch.randn(len(self.grid), 2 * self.reach + 1) * 0.02)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> PerChannel:
        self.seat(q, k)
        N = len(self.grid)
        steps = torch.arange(-self.reach, self.reach + 1, device=k.device)
        index = torch.arange(N, device=k.device)[:, None] + steps
        inside = (index >= 0) & (index < N)
        return PerChannel(Banded(index.clamp(0, N - 1), self.band[:N] * inside, k.mT, self.causal))
