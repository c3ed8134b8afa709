"""Mamba-2: a state space model with one decay a head is causal linear attention with a fading mask.

    S_i = exp(-a_h d_i) S_(i-1) + d_i k_i v_i^T       o_i = S_i^T q_i + s_h v_i
    A_ij = q_i.k_j exp(-a_h (d_(j+1) + ... + d_i)) d_j   for j <= i, plus s_h on the diagonal

q, k and v are the C, B and x of the paper. The one number d_i > 0 opens the door and closes the old one: a token
that writes much (d_i large) makes the memory forget much. a_h > 0 is learned, and so is the skip s_h.

Gained: a token that says nothing (d_i = 0) is passed over: neither written nor a reason to forget.
Lost: "no attention map" is a myth, but the map is signed, and its rows do not sum to one. There is no D^-1/2. In the
authors' layer a short convolution comes first, so there a token is a mix of the last four.
Every block A[t:, :t] has rank <= D. Mamba-1 has a decay for each channel of v: one map a channel.
scan="unordered", as VSSD: no token is earlier than another. The products of decays are dropped and the size of the
own log decay stays: A_ij = q_i.k_j d_j a_h, plus s_h on the diagonal. A token that would have made Mamba-2 forget
most now counts most. Rank D plus the diagonal, and no step.
dt= of the map, (B, H, N), is d. Without it linviz takes d_i = softplus(w.k_i + b) with a learned w in each head;
the authors take a linear function of x. skip=False leaves out s_h.

Cost: O(N D E) time, O(D E) state.   Rank: at most N.
Dao and Gu, 2024, arXiv 2405.21060; VSSD: Shi et al., 2024, arXiv 2407.18559.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from ..maps import Factored, Map, MemoryState, Sparse, Sum
from ..settings import Setting, Switch, Word
from ._recurrent import SCANS, Recurrent, Terms, first_rates, gate_weight, spread_rates


class Mamba2(Recurrent):
    """`scan` is the order of the tokens, or "unordered"; `skip`: add s_h v_i. The map takes `dt`."""

    name, title = "mamba2", "Mamba-2"
    paper = "Dao and Gu, 2024, arXiv 2405.21060"
    cost, rank, year, after = "N D E", "N", 2024, "retention"
    scans = (*SCANS, "unordered")
    settings = {"scan": Setting(Word(*SCANS, "unordered"), "Order of the tokens"),
                "skip": Setting(Switch(), "Own token added")}

    def build(self, scan: str = "raster", skip: bool = True, scale: float = 1.0) -> None:
        self.set_scan(scan, scale)
        self.log_a, self.write_bias = first_rates(self.heads)
        self.write = gate_weight(self.heads, self.width, 1)
        self.skip = nn.Parameter(torch.ones(self.heads)) if skip else None

    def terms(self, q: Tensor, k: Tensor, dt: Tensor | None = None, seen: int = 0) -> Terms:
        d = softplus(k @ self.write + self.write_bias) if dt is None else spread_rates(dt, "dt", k, k.shape[-2], (1,))
        return q * self.scale, k, self.each_step(-self.log_a.exp() * d), d

    def map(self, q: Tensor, k: Tensor, v: Tensor, dt: Tensor | None = None) -> Map:
        q, k, g, d = self.terms(q, k, dt)
        a = Factored(q, k * -g, stochastic=False) if self.scan == "unordered" else self.memory(q, k, g, d)
        if self.skip is None:
            return a
        own = torch.arange(q.shape[-2], device=q.device)[:, None]
        weights = self.skip.view(-1, 1, 1).expand(*q.shape[:-1], 1)
        return Sum(a, Sparse(own, weights, k.shape[-2], stochastic=False))

    def step(self, state: MemoryState | None, q: Tensor, k: Tensor, v: Tensor,
             **given: Any) -> tuple[MemoryState, Tensor]:
        state, o = super().step(state, q, k, v, **given)
        return state, o if self.skip is None else o + self.skip.view(-1, 1, 1) * v
