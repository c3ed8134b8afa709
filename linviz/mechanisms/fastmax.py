"""Fastmax: replace the exponential by its Taylor polynomial, which is a product of features.

    s_ij = u_i.w_j          u, w: q and k, normalised
    p = 1: f(s) = 1 + s     p = 2: f(s) = 1 + s + s^2/2
    A_ij = f(s_ij) / sum_l f(s_il)
    phi(x) = [1 ; x ; x_m^2/sqrt(2) ; x_m x_n for m < n]        phi(u_i).phi(w_j) = f(s_ij), exactly

A polynomial of a product is a product of monomials, so all pairs are counted without the table, and without random
directions. p = 2 is never below 1/2, so its rows are probability distributions for any q and k.

Gained: exact attention for this polynomial, and a rank far above D: that of all monomials.
Lost: the cost grows with D^2 times E for p = 2. f is near exp only around 0. normalise="largest" (the default)
divides q and k by the longest token of the head, so |s| <= 1, and for p = 2 no weight of a row is more than five
times another: the map is nearly uniform. normalise="centred" subtracts the mean over channels first. "none" takes
s = scale q.k, with scale D^-1/2; for p = 1 weights can then be negative, and for long q and k monomials of both signs
cancel, so that float32 would lose all digits of the small weights: linviz computes that form in float64.
causal=True goes with "none" only: the longest token is one of the whole clip, so dividing by it tells the past
something about the future. Public code does this.

Cost: O(N D E) time for p = 1, O(N D^2 E) for p = 2.   Rank: D + 1, or (D + 1)(D + 2)/2; causal: up to N.
Gerami et al., 2024, arXiv 2402.07901. Of two public codes one divides by the longest token, or scales by 1 without;
the other centres, or scales by 1/(8 sqrt(D)) without.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..maps import Features, Float64Map, KernelMap, Map, State, causal_map, products_of_pairs
from ..settings import Setting, Whole, Word
from .base import Kernel, recurrent_step

NORMALISE = ("auto", "largest", "centred", "none")


class Fastmax(Kernel):
    """`power` is p; `normalise` is one of NORMALISE, auto is largest, or none if causal; `scale` as above."""

    name, title = "fastmax", "Fastmax"
    paper = "Gerami et al., 2024, arXiv 2402.07901"
    cost, rank, year, after = "N D^2 E", "(D + 1)(D + 2)/2", 2024, "softmax"
    takes_causal, example = True, "fastmax normalise=none"  # divided by the longest token, the map is uniform
    settings = {"power": Setting(Whole(1, 2), "Power"), "normalise": Setting(Word(*NORMALISE), "Normalised by")}
    eps = 0.0

    def build(self, power: int = 2, normalise: str = "auto", scale: float | None = None) -> None:
        if power not in (1, 2) or normalise not in NORMALISE:
            raise ValueError(f"power is 1 or 2, normalise one of {', '.join(NORMALISE)}; got {power}, {normalise!r}")
        if normalise == "auto":
            normalise = "none" if self.causal else "largest"
        if self.causal and normalise != "none":
            raise ValueError(f"normalise={normalise!r} divides by the longest token of the whole clip, which a causal "
                             "map must not know; use normalise='none'")
        if scale is not None and normalise != "none":
            raise ValueError(f"scale goes with normalise='none'; with {normalise!r} the products are at most 1 already")
        self.power, self.normalise = power, normalise
        self.scale = (self.width ** -0.5 if scale is None else scale) if normalise == "none" else 1.0
        self.signed = power == 1 and normalise == "none"

    @property
    def features_wide(self) -> int:
        D = self.width
        return 1 + D + (self.power == 2) * D * (D + 1) // 2

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return self.monomials(self.normal(q) * self.scale ** 0.5), self.monomials(self.normal(k) * self.scale ** 0.5)

    def normal(self, x: Tensor) -> Tensor:
        """q or k (B, H, N, D), divided by the length of the longest token of its head."""
        if self.normalise == "none":
            return x
        x = x - x.mean(-1, keepdim=True) if self.normalise == "centred" else x
        longest = x.norm(dim=-1, keepdim=True).amax(-2, keepdim=True)
        return x / longest.where(longest > 0, torch.ones_like(longest))

    def monomials(self, x: Tensor) -> Tensor:
        """phi: the monomials up to degree p, (B, H, N, M)."""
        x = x.mT  # tokens side by side, so that whole rows are multiplied
        parts = [torch.ones_like(x[..., :1, :]), x]
        if self.power == 2:
            parts += [x.square() * 0.5 ** 0.5, products_of_pairs(x)]
        return torch.cat(parts, -2).mT

    def causal_features(self, q: Tensor, k: Tensor, seen: int | None = None) -> Features:
        return Features(*self.features(q.double(), k.double()))

    def gated(self, phi: Features, v: Tensor) -> Features:
        """As of every kernel; the gate reads the features in the type of its parameters."""
        seen = super().gated(Features(phi.q.to(v.dtype), phi.k.to(v.dtype)), v)
        return replace(phi, z_q=seen.z_q, z_k=seen.z_k)

    def step(self, state: State | None, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> tuple[State, Tensor]:
        phi = self.gated(self.causal_features(q, k), v)
        state, o = recurrent_step(self, state, phi, v.double(), self.normaliser)
        return state, o.to(v.dtype)

    def exact_map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        """The map of products that may be of any size, in float64."""
        a = (causal_map if self.causal else KernelMap)(self.gated(self.causal_features(q, k), v), self.normaliser)
        return a if q.dtype == torch.float64 else Float64Map(a, like=q)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        a = super().map(q, k, v) if self.normalise != "none" else self.exact_map(q, k, v)
        a.stochastic = not self.signed and self.gate is None  # a gate weighs monomials, of which some are negative
        return a
