"""DeltaNet: before a token writes, it looks up what the memory already says of its key, and writes the difference.

    u_i = beta_i (v_i - S_(i-1)^T k_i)        S_i = S_(i-1) + k_i u_i^T        o_i = S_i^T q_i / sqrt(D)
    A = D^-1/2 P (I + diag(beta) R)^-1 diag(beta)       P_ij = q_i.k_j for j <= i,  R_ij = k_i.k_j for j < i

As a walk, w = q_i at first: A_ij = beta_j w.k_j D^-1/2, then w <- w - beta_j (w.k_j) k_j. Each token, from the newest
back, takes its part of the query and hands on the rest: an older key answers only for what no newer key has answered.

Gained: a key that comes again overwrites its old value instead of adding to it. A memory of D x E numbers holds
the D newest directions exactly; a plain sum drowns.
Lost: what was overwritten. Half of the weights below the diagonal are negative even for positive q and k: they take
off the image of an older key, and do not mean "unlike". Rows do not sum to one.
With beta = 1, unit keys and q = k the map is the identity: what was just written is just read. Look at it with q and
k from different sources.
The lengths of q and k would let what is erased grow beyond all bounds: beta |k|^2 <= 2 is needed. unit=True divides
by sqrt(|k|^2 + 1e-6), unit=False takes q and k as given. Every block A[t:, :t] has rank <= D.
beta= of the map is (B, H, N), up to 2. Without it beta_i = sigmoid(w.k_i) with a learned w in each head; the authors
take a linear function of x. scan="frames": R_ij only for earlier frames; unit keys are divided by sqrt(Y X), as the
largest eigenvalue of a frame's sum of beta k k^T must be at most 2.

Cost: O(N D E) time, O(D E) state.   Rank: at most N; scan="frames": T min(Y X, D).
Schlag et al., 2021, arXiv 2102.11174; in chunks: Yang et al., 2024, arXiv 2406.06484.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..maps import Map
from ..settings import Setting, Switch
from ._recurrent import ORDER, Eraser, Terms


class Delta(Eraser):
    """`scan` is the order of the tokens; `unit`: q and k of length 1. The map takes `beta`."""

    name, title = "delta", "DeltaNet"
    paper = "Schlag et al., 2021, arXiv 2102.11174"
    cost, rank, year, after = "N D E", "N; frames: T min(Y X, D)", 2021, "linear"
    settings = {"scan": ORDER, "unit": Setting(Switch(), "Unit keys")}

    def build(self, scan: str = "raster", unit: bool = True, scale: float | None = None) -> None:
        self.set_eraser(scan, unit, scale)

    def terms(self, q: Tensor, k: Tensor, beta: Tensor | None = None, seen: int = 0) -> Terms:
        raw, (q, k) = k, self.normal(q, k)
        return q, k, self.each_step(torch.zeros_like(k[..., :1])), self.written(beta, raw, k)

    def map(self, q: Tensor, k: Tensor, v: Tensor, beta: Tensor | None = None) -> Map:
        return self.memory(*self.terms(q, k, beta))
