"""DAPE V2: treat the scores of all heads as a picture, and let a small convolution correct them before the softmax.

    s_ij = q_i.k_j / sqrt(D)        b_ij = a bias that falls with the distance i - j
    x_ij = s_ij + b_ij + f([s ; b])_ij        A_ij = exp(x_ij) / sum_l exp(x_il)
    f = convolution over 3 keys, 2 H -> 32 channels, LeakyReLU, convolution over 3 keys, 32 -> H

A fixed bias of position falls in the same way for every content. Here f sees, for each query, the scores of
neighbouring keys in all heads, so the bias adapts to what the scores are.
bias="alibi": -m_h |i - j|.   "kerple": -p_h log(1 + a_h |i - j|).   "fire": a small network of
log(1 + |c| |i - j|) / log(1 + |c| max(i, L)), a distance relative to the position of the query.

Gained: heads inform each other, and longer inputs than those of training are handled better.
Lost: still every pair, N S scores, and each of them now costs the convolution as well. Positions are token
numbers, in raster order.
causal=True masks the future, and tril: s and b of future keys are set to zero before f. Without that (tril=False)
f reads the score of key i + 1 at key i, so a future token leaks into the past although the mask follows.

Cost: O(N S D + N S H W) time with W = 32 channels.   Rank: up to min(N, S).
Zheng et al., 2024, arXiv 2410.04798. m_h are powers of 2 (ALiBi). Its convolution runs over keys, not over queries.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from ..maps import FunctionScores, corrected_scores
from ..settings import Setting, Word
from .base import Mechanism

BIASES = ("alibi", "kerple", "fire")
LEAST = 1e-2  # p and a of kerple are at least this
EPS_FIRE = 1e-6


class Dape(Mechanism):
    """`bias` is one of BIASES, `channels_inside` the width of f, `side` its keys; `tril` as above."""

    name, title, family, year = "dape", "DAPE", "softmax", 2024
    paper = "Zheng et al., 2024, arXiv 2410.04798"
    cost, rank, after = "N S D + N S W", "min(N, S)", "softmax"
    takes_causal = positional = True
    settings = {"bias": Setting(Word(*BIASES), "Bias of position")}
    slopes: Tensor

    def build(self, bias: str = "alibi", channels_inside: int = 32, side: int = 3, tril: bool = True) -> None:
        if bias not in BIASES or side % 2 == 0 or min(side, channels_inside) < 1:
            raise ValueError(f"bias is one of {', '.join(BIASES)}, side odd, channels_inside at least 1; "
                             f"got {bias!r}, {side}, {channels_inside}")
        H = self.heads
        self.bias, self.tril = bias, tril
        self.first = nn.Conv2d(2 * H, channels_inside, (1, side), padding=(0, side // 2))
        self.second = nn.Conv2d(channels_inside, H, (1, side), padding=(0, side // 2))
        if bias == "alibi":
            self.register_buffer("slopes", 2.0 ** (-8 * (torch.arange(H) + 1) / H))
        elif bias == "kerple":
            self.p, self.a = nn.Parameter(torch.rand(H) * 2), nn.Parameter(torch.rand(H))
        else:
            self.c, self.L = nn.Parameter(torch.tensor(0.1)), nn.Parameter(torch.tensor(256.0))
            self.mlp = nn.Sequential(nn.Linear(1, 32), nn.LeakyReLU(), nn.Linear(32, H))

    def position_bias(self, i: Tensor, S: int, like: Tensor) -> Tensor:
        """b of the queries i with all keys: (H, n, S)."""
        away = (i[:, None] - torch.arange(S, device=i.device)).abs().to(like)
        if self.bias == "alibi":
            return -self.slopes.to(like)[:, None, None] * away
        if self.bias == "kerple":
            p, a = self.p.clamp_min(LEAST), self.a.clamp_min(LEAST)
            return -p[:, None, None] * (1 + a[:, None, None] * away).log()
        reach = torch.maximum(i.to(like), self.L.abs())[:, None]
        relative = (self.c * away).abs().log1p() / ((self.c * reach).abs().log1p() + EPS_FIRE)
        return self.mlp(relative[..., None]).movedim(-1, 0)

    def scores(self, q: Tensor, k: Tensor, i: Tensor) -> Tensor:
        """x of the queries i: (B, H, n, S)."""
        s = q[..., i, :] @ k.mT / math.sqrt(self.width)
        b = self.position_bias(i, k.shape[-2], q)
        future = torch.arange(k.shape[-2], device=i.device) > i[:, None]
        seen_s, seen_b = (x.masked_fill(future, 0.0) if self.causal and self.tril else x for x in (s, b))
        w, H = self.first.weight, self.heads
        shared = conv2d(seen_b, w[:, H:], self.first.bias, padding=self.first.padding)  # the same for every clip
        x = s + b + corrected_scores(seen_s, shared, w[:, :H, 0], self.second.weight[:, :, 0], self.second.bias)
        return x.masked_fill(future, -torch.inf) if self.causal else x

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> FunctionScores:
        return FunctionScores(lambda i: self.scores(q, k, i.to(q.device)), (q.shape[-2], k.shape[-2]), q)
