"""Factorized attention: without the softmax, the bracket can be moved.

    o_i = sum_j (q_i.k_j / s) v_j = q_i [ sum_j k_j v_j^T / s ]        A_ij = q_i.k_j / s

The bracket is a D x E matrix that does not depend on the query: one sum over the picture, used by all queries.
From left to right this is the dot-product non-local block, at the cost of N S pairs; from right to left the
same numbers are linear in N.
Three divisors s are in use, and linviz has them all: scale="positions" (s = S: the non-local block, and the
default), "channels" (s = D), "sqrt" (s = sqrt(D)). Only the first keeps the size of the output as N grows.
version="softmax" led to efficient attention: softmax over channels of q and over positions of k.

Gained: the cost of a matrix product; exactly the non-local block, not an approximation of it.
Lost: the weights are raw scores: about half are negative, rows have any sum, and nothing concentrates.
causal=True: running sums; with scale="positions" query i divides by i + 1, the number of keys it has seen.
The softmax version has no causal form, because its softmax over positions sees the future.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D; causal: up to N.
Shen et al., 2018, arXiv 1812.01243, first version, where it is called factorized attention.
No public code has the dot version; the divisors are those of the first version's text, of the author's page
on it, and of the non-local block.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..maps import CausalFactored, Factored, Features, Normaliser
from ..settings import Setting, Word
from .base import Mechanism, softmax_over_tokens

SCALES = ("positions", "channels", "sqrt")


class Factorized(Mechanism):
    """`version` is "dot" or "softmax"; `scale`, for the dot version only, is one of SCALES."""

    name, title, family, year = "factorized", "factorized", "low-rank", 2018
    paper = "Shen et al., 2018, arXiv 1812.01243 (first version)"
    cost, rank, after = "N D E", "D", "nonlocal"
    takes_causal, signed = True, True
    settings = {"version": Setting(Word("dot", "softmax"), "Version")}

    def build(self, version: str = "dot", scale: str | None = None) -> None:
        if version not in ("dot", "softmax") or scale not in (None, *SCALES):
            raise ValueError(f"version is dot or softmax and scale one of {', '.join(SCALES)}; "
                             f"got {version!r} and {scale!r}")
        if version == "softmax" and (scale or self.causal):
            raise ValueError("the softmax version has no divisor and no causal form; leave out scale and causal")
        self.version, self.scale = version, scale or "positions"

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored | CausalFactored:
        if self.version == "softmax":
            return Factored(q.softmax(-1), softmax_over_tokens(k))
        q = q / self.divisor(q, k.shape[-2])
        if self.causal:
            return CausalFactored(Features(q, k), Normaliser("none"), stochastic=False)
        return Factored(q, k, stochastic=False)

    def divisor(self, q: Tensor, keys: int) -> Tensor | float:
        """s: one number, or one per query (N, 1) if queries have seen different numbers of keys."""
        if self.scale == "positions":
            return torch.arange(1, q.shape[-2] + 1, device=q.device).to(q)[:, None] if self.causal else float(keys)
        return self.width ** (0.5 if self.scale == "sqrt" else 1.0)
