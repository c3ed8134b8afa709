"""AFT-local: the position table of AFT-full, kept only near the diagonal. It is still global.

    o_ic = sigmoid(q_ic) sum_j exp(k_jc + w_ij) v_jc  /  sum_j exp(k_jc + w_ij)         c: a channel
    w_ij learned where |i - j| < s, and zero elsewhere

Zero is not minus infinity: a far key keeps its full weight exp(k_jc), only its position says nothing. No
token is out of sight; what is local is where positions matter, not where attention ends.

Far keys weigh the same in every row: sum them once, and put the near ones right,
exp(k + w) = exp(k) + (exp(w) - 1) exp(k).   causal=True: j <= i only, and the sum is a running sum.

Gained: the time of AFT-full without its N x S pairs.
Lost: the query does not choose where to look, and beyond s positions neither does anything else.
i and j count tokens in raster order, frame by frame; on a picture a step down is X tokens. s = 1 is the
diagonal alone. There is no one table to draw: read(..., channel=c).

Cost: O(N s D) time, O(N (s + D)) memory.   Rank: up to N a channel.
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
    cost, rank = "N s D", "N a channel"
    takes_key_grid, positional, fixed = False, True, True
    settings = {"window": Setting(Whole(1, 4096), "Window, in tokens")}

    def build(self, window: int = 16) -> None:
        if window < 1:
            raise ValueError(f"a window has at least the token itself; got window={window}")
        self.reach = min(window, len(self.grid)) - 1
        self.band = nn.Parameter(torch.randn(len(self.grid), 2 * self.reach + 1) * 0.02)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> PerChannel:
        self.seat(q, k)
        N = len(self.grid)
        index = torch.arange(N)[:, None] + torch.arange(-self.reach, self.reach + 1)
        inside = ((index >= 0) & (index < N)).to(k.device)
        return PerChannel(Banded(index.clamp(0, N - 1).to(k.device), self.band[:N] * inside, k.mT, self.causal))
