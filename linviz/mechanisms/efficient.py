"""Efficient attention: D templates look at the whole picture once, every query mixes what they saw.

    G = softmax_over_positions(k)^T v          (D, E): one context vector a channel of k
    o_i = softmax_over_channels(q_i) G

A channel of k, softmaxed over positions, is a template map: where this channel looks. A query does not
look at positions any more, it chooses among D templates. The map is their product,

    A_ij = sum_d softmax_d(q_i)_d softmax_j(k)_jd

whose rows sum to one without a normaliser: each template sums to one and the choice does.
normalise="scale" divides q and k by sqrt(S) instead of both softmaxes: A_ij = q_i.k_j / S, signed.

Gained: no N x N table, and shares without dividing by a row sum.
Lost: all queries share D maps, so rank A <= D. It is not softmax(q k^T): "mathematically equivalent" holds
only for the scaling form, and to the dot-product non-local block; the softmax form is an approximation.
The paper has no causal form: the softmax over positions sees the future. causal=True is that of
linear-attention-transformer: exp(k) instead, running sums, and each row divided by its own (at least eps).
`before` multiplies q and k before their softmaxes, `after` the choice of a query. That library's other forms:
after=D**-0.5 (rows then sum to D^-1/2); before=D**-0.25 for pictures.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D; causal: up to N.
Shen et al., 2018, arXiv 1812.01243; no 1/sqrt(D), as in the official code.
"""
from __future__ import annotations

from torch import Tensor

from ..maps import CausalFactored, Factored, Features, Normaliser
from ..settings import Setting, Word
from .base import Mechanism


class Efficient(Mechanism):
    """`normalise` softmax or scale; `before`, `after` and `eps` (causal only) as above."""

    name, title, family, year = "efficient", "efficient", "low-rank", 2018
    paper = "Shen et al., 2018, arXiv 1812.01243"
    cost, rank = "N D E", "D"
    takes_causal = True
    settings = {"normalise": Setting(Word("softmax", "scale"), "Normalised by")}

    def build(self, normalise: str = "softmax", before: float = 1.0, after: float = 1.0, eps: float = 1e-3) -> None:
        if normalise not in ("softmax", "scale") or not (before > 0 and after > 0):
            raise ValueError("normalise is softmax or scale, before and after are positive; "
                             f"got {normalise!r}, {before}, {after}")
        if normalise == "scale" and (self.causal or before != 1.0 or after != 1.0):
            raise ValueError("the scaling form has no softmax: leave out causal, before and after "
                             "(factorized has a causal form)")
        self.normalise, self.before, self.after, self.eps = normalise, before, after, eps
        self.signed = normalise == "scale"

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored | CausalFactored:
        if self.causal:
            phi = Features(self.choice(q, k.shape[-2]), (k * self.before).exp())
            return CausalFactored(phi, Normaliser("clamp", self.eps))
        shares = self.normalise == "softmax" and self.after == 1.0
        return Factored(self.choice(q, k.shape[-2]), self.templates(k), stochastic=shares)

    def choice(self, q: Tensor, keys: int) -> Tensor:
        """How much of each template a query takes: (B, H, N, D)."""
        return q * keys ** -0.5 if self.normalise == "scale" else (q * self.before).softmax(-1) * self.after

    def templates(self, k: Tensor) -> Tensor:
        """The D template maps, one a channel: (B, H, S, D), each summing to one over positions if softmaxed."""
        return k * k.shape[-2] ** -0.5 if self.normalise == "scale" else (k * self.before).softmax(-2)

    def context(self, k: Tensor, v: Tensor) -> Tensor:
        """The D global context vectors: (B, H, D, E)."""
        return self.templates(k).mT @ v
