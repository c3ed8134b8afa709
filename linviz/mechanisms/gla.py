"""GLA, gated linear attention: every token decides how fast each channel of the memory fades.

    S_i = diag(alpha_i) S_(i-1) + k_i v_i^T     o_i = S_i^T q_i / sqrt(D)         alpha_i in (0, 1)^D
    A_ij = D^-1/2 sum_d q_id k_jd alpha_(j+1,d) ... alpha_(i,d)                   for j <= i, else 0

A token i fades what was there before it and then writes: its own alpha does not touch its own key. As the decay acts
on the channels of k, over which the formula sums, there still is one map a head.

Gained: a cut, a blink or an empty wall can wipe some channels while others remember for thousands of tokens.
Lost: alpha is no mask over tokens: it is a volume for each channel through time. The weights of a pair cannot be
written as a plain product of features without overflow, so a chunk costs C^2 D instead of C^2.
Weights are signed and rows do not sum to one; every block A[t:, :t] has rank <= D.
log_decay= of the map, (B, H, steps, D) or (B, H, steps), is log alpha. Without it, linviz takes
log alpha_i = log sigmoid(W k_i + b) / 16 with a learned W in each head; the authors take a low-rank function of x.
At logit 0 half is left after 16 tokens. scan="frames": one step a frame, with the mean log alpha of its tokens.

Cost: O(N D E) time, O(D E) state.   Rank: at most N; scan="frames": T min(Y X, D).
Yang et al., 2023, arXiv 2312.06635. The authors add a norm over each head and an output gate after the map.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from ..maps import Map
from ._recurrent import ORDER, Recurrent, Terms, gate_weight

DIVISOR = 16  # of log alpha: keeps the memory long at the start


class GatedLinear(Recurrent):
    """`scan` is the order of the tokens. The map takes `log_decay`."""

    name, title = "gla", "GLA"
    paper = "Yang et al., 2023, arXiv 2312.06635"
    cost, rank, year, after = "N D E", "N; frames: T min(Y X, D)", 2023, "retention"
    settings = {"scan": ORDER}

    def build(self, scan: str = "raster", scale: float | None = None) -> None:
        self.set_scan(scan, scale)
        self.fade = gate_weight(self.heads, self.width, self.width)
        self.fade_bias = nn.Parameter(torch.zeros(self.heads, 1, self.width))

    def terms(self, q: Tensor, k: Tensor, log_decay: Tensor | None = None, seen: int = 0) -> Terms:
        if log_decay is None:
            g = self.each_step(logsigmoid(k @ self.fade + self.fade_bias) / DIVISOR)
        else:
            g = self.decay_of(log_decay, q, channels=True)
        return q * self.scale, k, g, torch.ones_like(k[..., :1])

    def map(self, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor | None = None) -> Map:
        return self.memory(*self.terms(q, k, log_decay))
