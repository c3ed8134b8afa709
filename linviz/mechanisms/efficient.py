"""Efficient attention: D templates summarise the whole picture once, and every query mixes their summaries.

    G = softmax_over_positions(k)^T v          (D, E): one context vector per channel of k
    o_i = softmax_over_channels(q_i) G

A softmax over positions turns each channel of k into a template map, which shows where this channel looks. A
query does not attend to positions; it chooses among D templates. The map is a product:

    A_ij = sum_d softmax_d(q_i)_d softmax_j(k)_jd

Its rows sum to one without a normaliser, because each template and each choice sums to one.
normalise="scale" divides q and k by sqrt(S) instead of both softmaxes: A_ij = q_i.k_j / S, signed.

Gained: no N x N table, and rows that are probability distributions without division by a row sum.
Lost: all queries share D maps, so rank A <= D. The map is not softmax(q k^T): "mathematically equivalent" holds
only for the scaling form and the dot-product non-local block; the softmax form is an approximation.
The paper has no causal form, because the softmax over positions sees the future. causal=True is the form of
linear-attention-transformer: exp(k) instead, running sums, each row divided by its own sum. That library divides
by eps=1e-3 where the sum is smaller, so that rows of very negative keys fall short of one; here eps is 0.
`before` multiplies q and k before their softmaxes, `after` multiplies the choice of a query. Other forms of
that library: after=D**-0.5 (rows then sum to D^-1/2), and before=D**-0.25 for pictures.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D; causal: up to N.
Shen et al., 2018, arXiv 1812.01243; no 1/sqrt(D), as in the official code.
"""
from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from ..maps import Factored, Features, Map, Normaliser, State, causal_map
from ..settings import Setting, Word
from .base import Mechanism, recurrent_step, softmax_over_tokens


class Efficient(Mechanism):
    """`normalise` is softmax or scale; `before`, `after` and `eps` (causal only) as above."""

    name, title, family, year = "efficient", "efficient", "low-rank", 2018
    paper = "Shen et al., 2018, arXiv 1812.01243"
    cost, rank, after = "N D E", "D", "factorized"
    takes_causal = True
    settings = {"normalise": Setting(Word("softmax", "scale"), "Normalised by")}

    def build(self, normalise: str = "softmax", before: float = 1.0, after: float = 1.0, eps: float = 0.0) -> None:
        if normalise not in ("softmax", "scale") or not (before > 0 and after > 0):
            raise ValueError("normalise is softmax or scale, before and after are positive; "
                             f"got {normalise!r}, {before}, {after}")
        if normalise == "scale" and (self.causal or before != 1.0 or after != 1.0):
            raise ValueError("the scaling form has no softmax: leave out causal, before and after "
                             "(factorized has a causal form)")
        self.normalise, self.before, self.factor, self.eps = normalise, before, after, eps
        self.signed = normalise == "scale"

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        if self.causal:
            return causal_map(self.causal_features(q, k), Normaliser("clamp", self.eps))
        shares = self.normalise == "softmax" and self.factor == 1.0
        return Factored(self.choice(q, k.shape[-2]), self.templates(k), stochastic=shares)

    def causal_features(self, q: Tensor, k: Tensor) -> Features:
        """The choice of every query and exp(k), as exponents."""
        return Features.exponentials((q * self.before).log_softmax(-1) + math.log(self.factor), k * self.before)

    def step(self, state: State | None, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> tuple[State, Tensor]:
        """The causal form as a recurrent network: one token (B, H, 1, D) at a time."""
        return recurrent_step(self, state, self.causal_features(q, k), v, Normaliser("clamp", self.eps))

    def choice(self, q: Tensor, keys: int) -> Tensor:
        """The weight of each template for each query: (B, H, N, D)."""
        return q * keys ** -0.5 if self.normalise == "scale" else times(times(q, self.before).softmax(-1), self.factor)

    def templates(self, k: Tensor) -> Tensor:
        """The D template maps, one per channel: (B, H, S, D); with softmax each sums to one over positions."""
        return k * k.shape[-2] ** -0.5 if self.normalise == "scale" else softmax_over_tokens(times(k, self.before))

    def context(self, k: Tensor, v: Tensor) -> Tensor:
        """The D global context vectors: (B, H, D, E)."""
        return self.templates(k).mT @ v


def times(x: Tensor, factor: float) -> Tensor:
    """x times a factor, without a pass over x where that is 1."""
    return x if factor == 1.0 else x * factor
