"""Linformer: compress the S keys and values to K summaries, learned mixtures of positions, and attend to those.

    k'_n = sum_j E_nj k_j      v'_n = sum_j F_nj v_j        n = 1..K;  E, F (K, S) are learned
    P_in = softmax_n (q_i.k'_n / sqrt(D))       o_i = sum_n P_in v'_n       A_ij = sum_n P_in F_nj

E and F mix positions, not channels: each summary is a weighted sum over the whole picture, whatever its content.
Their place in a layer: where="keys" applies them after the layers of k and v (the paper); where="tokens" applies
them before, to x, so k and v are summaries and the map is P, N x K (the official code; with a bias E (x W + b)
and (E x) W + b differ). share: "heads" (one E and one F for all heads; the default), "kv" (also E = F), "none"
(each head its own). `tie` shares them with another layer.

Gained: exact softmax over K summaries instead of S keys: time and memory linear in N for fixed K.
Lost: E and F fix the number of tokens. The rows of P are probability distributions, but those of A = P F are not:
A has negative weights and its rows have any sum. "Low rank" was found in trained softmax maps, from the sum of
their singular values; the softmax of random scores has full rank. There is no causal form, because a summary
contains the future.

Cost: O(N K D + S K D) time, O(N K) memory.   Rank: at most K.
Wang et al., 2020, arXiv 2006.04768. Official code (fairseq): where="tokens", K = S / 4. E and F are drawn
between -1/sqrt(K) and 1/sqrt(K), as in linformer's best-known public code, where="keys" and K = 256.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..maps import Factored, Scores
from ..settings import Setting, Whole
from .base import Mechanism, Project

SHARED = {"none": 0, "heads": 1, "kv": 2}


class Linformer(Mechanism):
    """`length` is K (at most S); `share` is none, heads or kv; `where` is keys or tokens."""

    name, title, family, year = "linformer", "Linformer", "low-rank", 2020
    paper = "Wang et al., 2020, arXiv 2006.04768"
    cost, rank, after = "N K D + S K D", "K", "softmax"
    signed, fixed, positional = True, True, True
    settings = {"length": Setting(Whole(1, 4096), "Projected length")}

    def build(self, length: int = 64, share: str = "heads", where: str = "keys") -> None:
        if share not in SHARED or where not in ("keys", "tokens") or length < 1:
            raise ValueError(f"share is none, heads or kv, where is keys or tokens, length is at least 1; "
                             f"got {share!r}, {where!r}, {length}")
        if where == "tokens" and share == "none":
            raise ValueError("before the layers of k and v there are no heads yet: share is heads or kv, not 'none'")
        self.where, K, S = where, min(length, len(self.key_grid)), len(self.key_grid)
        heads, self.signed = (self.heads if share == "none" else 1), where == "keys"
        self.E = nn.Parameter(torch.empty(heads, K, S).uniform_(-1, 1) * K ** -0.5)
        self.F = self.E if share == "kv" else nn.Parameter(torch.empty(heads, K, S).uniform_(-1, 1) * K ** -0.5)

    def tie(self, other: Linformer) -> None:
        """Share E and F with another layer: the layerwise sharing of the paper."""
        if other.E.shape != self.E.shape:
            raise ValueError(f"layers share tables of one shape; got {tuple(other.E.shape)} and {tuple(self.E.shape)}")
        self.E, self.F = other.E, other.F

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        if self.where == "keys":
            return super().project(x, to_q, to_k, to_v)
        return to_q(x), to_k(self.E[0] @ x), to_v(self.F[0] @ x)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored | Scores:
        if self.where == "tokens":
            return self._over_summaries(q, k)
        self.seat(q, k)
        E, F = (self.corner(table, -1) for table in (self.E, self.F))
        shares = Scores(q, E @ k).dense()  # P, (B, H, N, K)
        return Factored(shares, F.mT.expand(*k.shape[:2], -1, -1), stochastic=False)

    def _over_summaries(self, q: Tensor, k: Tensor) -> Scores:
        if k.shape[-2] != self.E.shape[-2]:
            raise ValueError(f"where='tokens' compresses x before k and v are computed (project): the map takes "
                             f"{self.E.shape[-2]} summaries as k and v; got {k.shape[-2]}")
        return Scores(q, k)
