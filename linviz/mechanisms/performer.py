"""Performer (FAVOR+): estimate the exponential with M random directions, the same for every token.

    exp(x.y) = mean over w ~ N(0, I) of  exp(w.x - |x|^2/2) exp(w.y - |y|^2/2)
    positive       phi(x)_m = exp(w_m.x - |x|^2/2 - top) + eps           x is q or k times D^-1/4
    trigonometric  phi(x)_m = exp(|x|^2/2) [cos w_m.x, sin w_m.x]        2 M features, some negative
    relu           phi(x)_m = relu(w_m.x) + eps                          not an estimate of anything
    none           softmax over channels of q, over positions of k       efficient attention, normalised
    A_ij = phi(q_i).phi(k_j) / sum_l phi(q_i).phi(k_l)

`top` is the largest w_m.x, for each query and for all keys together (trigonometric: |x|^2/2; eps=0: the largest
exponent of each m). It keeps exp finite and cancels in a row, except for eps. orthogonal: directions are orthogonal
in blocks of D, which makes a draw more even. scaling=0: Gaussian lengths; 1: all sqrt(D). `redraw(seed)` draws anew.

Gained: the weights of softmax, before normalisation, are the mean over draws, at the cost of a kernel.
Lost: one draw is a Monte Carlo estimate. Its error grows exponentially with the norm of q and k. Positive
features are not more accurate, but they fail more gently: trigonometric features are better for short vectors,
and for long vectors they become negative and far off. eps is a floor under small weights.
causal=True: a running maximum, which cancels, is the keys' `top`. One `top` for all keys, as in public code, leaks.

Cost: O(N M E + N M D) time, O(M E) memory.   Rank: at most M (trigonometric 2 M); causal: up to N.
Choromanski et al., 2020, arXiv 2009.14794. Defaults of performer-pytorch: M = D ln D, eps 1e-4 (relu 1e-3);
official JAX: 256, 1e-6, and a new draw at each call. A row is divided by its sum alone.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..maps import Features, Map
from ..settings import Number, Setting, Switch, Whole, Word
from .base import Kernel, softmax_over_tokens

FLOOR = {"positive": 1e-4, "trigonometric": 0.0, "relu": 1e-3, "none": 0.0}


class Performer(Kernel):
    """`kind` is one of FLOOR, `directions` is M, `floor` the eps of the features; `orthogonal`, `scaling` as above."""

    name, title, year = "performer", "Performer", 2020
    paper = "Choromanski et al., 2020, arXiv 2009.14794"
    cost, rank, after = "N M E + N M D", "M", "linear"
    takes_causal, squares = True, True
    settings = {"directions": Setting(Whole(1, 16_384, none=True), "Random directions"),
                "floor": Setting(Number(0.0, 0.01, 1e-5, none=True), "Floor of the features"),
                "kind": Setting(Word(*FLOOR), "Features"), "orthogonal": Setting(Switch(), "Orthogonal directions")}
    example = "performer floor=0"  # with the default, features at this distance are mostly floor: the map is uniform
    eps = 0.0
    w: Tensor

    def build(self, kind: str = "positive", directions: int | None = None, orthogonal: bool = True, scaling: int = 0,
              floor: float | None = None) -> None:
        if kind not in FLOOR or scaling not in (0, 1) or (directions is not None and directions < 1):
            raise ValueError(f"kind is one of {', '.join(FLOOR)}, scaling 0 or 1, directions at least 1; "
                             f"got {kind!r}, {scaling}, {directions}")
        if (kind == "none" and directions) or (floor is not None and FLOOR[kind] == 0.0):
            raise ValueError(f"kind={kind!r} has no floor{' and no directions' * (kind == 'none')}; leave them out")
        self.kind, self.orthogonal, self.scaling, self.signed = kind, orthogonal, scaling, kind == "trigonometric"
        self.floor = FLOOR[kind] if floor is None else floor
        M = directions or max(1, int(self.width * math.log(self.width)))
        self.register_buffer("w", self.draw(M))  # (M, D)

    def draw(self, M: int, generator: torch.Generator | None = None) -> Tensor:
        """M directions (M, D), drawn from `generator` or from torch's own."""
        D = self.width
        gauss = torch.randn(M, D, generator=generator, dtype=torch.float64)
        lengths = gauss.norm(dim=-1, keepdim=True) if self.scaling == 0 else math.sqrt(D)
        if self.orthogonal:
            blocks = torch.randn(-(-M // D), D, D, generator=generator, dtype=torch.float64)
            turn, r = torch.linalg.qr(blocks)  # its signs are not random: restored from r's diagonal
            gauss = (turn * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)).mT.flatten(0, 1)[:M]
        return (gauss / gauss.norm(dim=-1, keepdim=True) * lengths).to(torch.get_default_dtype())

    def redraw(self, seed: int) -> None:
        if self.kind == "none":
            super().redraw(seed)
        self.w = self.draw(len(self.w), torch.Generator().manual_seed(seed)).to(self.w)

    @property
    def features_wide(self) -> int:
        return {"none": self.width, "trigonometric": 2 * len(self.w)}.get(self.kind, len(self.w))

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        if self.kind == "none" and not self.causal:
            return q.softmax(-1), softmax_over_tokens(k)
        if self.causal and self.kind != "relu":
            return self.causal_features(q, k).multiplied()
        (along_q, half_q), (along_k, half_k) = self.projections(q), self.projections(k)
        if self.kind == "relu":
            return along_q.relu() + self.floor, along_k.relu() + self.floor
        if self.signed:
            return along_q, along_k * (half_k - half_k.amax(-2, keepdim=True)).exp()
        top = along_k.amax((-2, -1), keepdim=True) if self.floor else (along_k - half_k).amax(-2, keepdim=True)
        s_q = along_q if self.floor else along_q - half_q + top
        s_q = s_q - s_q.amax(-1, keepdim=True) - (half_q if self.floor else 0)
        return s_q.exp() + self.floor, (along_k - half_k - top).exp() + self.floor

    def causal_features(self, q: Tensor, k: Tensor, seen: int | None = None) -> Features:
        if self.kind == "relu":
            return super().causal_features(q, k, seen)
        if self.kind == "none":
            return Features.exponentials(q.log_softmax(-1), k)
        (along_q, half_q), (along_k, half_k) = self.projections(q), self.projections(k)
        if self.signed:
            return Features(along_q, along_k, s_q=torch.zeros_like(half_q), s_k=half_k)
        s = along_q - half_q - along_q.amax(-1, keepdim=True), along_k - half_k
        return Features.exponentials(*(torch.logaddexp(x, torch.full_like(x, self.floor).log()) if self.floor else x
                                       for x in s))

    def projections(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of q or k times D^-1/4: w_m.x, or its cosines and sines, (B, H, N, M), and |x|^2/2 (B, H, N, 1)."""
        x = x * self.width ** -0.25
        along, half = x @ self.w.to(x.dtype).mT, x.square().sum(-1, keepdim=True) / 2
        return torch.cat([along.cos(), along.sin()], -1) if self.signed else along, half

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        a = super().map(q, k, v)
        a.stochastic = not self.signed
        return a
