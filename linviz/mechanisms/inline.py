"""InLine: subtract the mean instead of dividing by the row sum, so that no two queries share a row.

    A_ij = 1/S + D^-1/2 phi(q_i).(phi(k_j) - mean_m phi(k_m)) / S

Linear attention divides, so q_i and 3 q_i in the same direction have the same row: the map from query to row is not
injective. Here rows also sum to one, but by subtraction: a query three times as long has a row of the same shape,
three times as far from 1/S.

Gained: the length of a query counts, at the cost of linear attention, with any phi: even phi(x) = x.
Lost: subtraction makes weights negative, so entropy is not defined. Two queries differ only along the differences
of the keys; what is orthogonal to all of them is lost, as in softmax. A = L R^T has D + 1 columns.
features: identity (the default), relu, leakyrelu, exp, or elu1 (elu + 1), for q and k alike.
kernel= of the map, (B, H, E, P, P): a depthwise convolution of v with kernels of this input. The official code
makes them from the mean token of the picture. +conv adds one with learned kernels instead.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D + 1; with a convolution up to N.
Han et al., 2024, arXiv 2412.06590. The formula in its public description leaves out D^-1/2 / S, "for simplicity";
without it the contrast would grow with the number of tokens.
"""
from __future__ import annotations

from collections.abc import Callable
from math import log

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu, relu

from ..maps import Depthwise, Factored, Map, Sum
from ..maps.readable import is_readable
from ..settings import Setting, Word
from ._branches import Convolved
from .linear import elu_plus_one

FEATURES: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x, "relu": relu, "leakyrelu": leaky_relu, "exp": torch.exp, "elu1": elu_plus_one}


class InLine(Convolved):
    """`features` is one of FEATURES; `side` is that of the convolution added by +conv."""

    name, title, family = "inline", "InLine", "kernel"
    paper = "Han et al., 2024, arXiv 2412.06590"
    cost, rank, year, after = "N D E", "D + 1; +conv: N", 2024, "linear"
    signed = True
    settings = {"features": Setting(Word(*FEATURES), "Features")}

    def build(self, features: str = "identity", side: int = 3) -> None:
        if features not in FEATURES:
            raise ValueError(f"features is one of {', '.join(FEATURES)}; got {features!r}")
        self.phi = features
        self.set_side(side)

    def check_exponents(self, q: Tensor, k: Tensor) -> None:
        """Refuse exponentials that have no place in their dtype: no row is divided by its sum, so nothing cancels."""
        room = log(torch.finfo(q.dtype).max / (self.width * k.shape[-2]))
        if self.phi == "exp" and is_readable(q) and max(0.0, q.max().item()) + max(0.0, k.max().item()) > room:
            raise ValueError(f"inline: exp of q and k, which reach {q.max():.3g} and {k.max():.3g}, is too large for "
                             f"{str(q.dtype).removeprefix('torch.')}; divide q and k by a number, or choose other "
                             "features than 'exp'")

    def map(self, q: Tensor, k: Tensor, v: Tensor, kernel: Tensor | None = None) -> Map:
        self.check_exponents(q, k)
        phi_q, phi_k = FEATURES[self.phi](q), FEATURES[self.phi](k)
        scale, S = self.width ** -0.5, k.shape[-2]
        left = torch.cat([phi_q * (scale / S), torch.full_like(phi_q[..., :1], 1 / S)], -1)
        right = torch.cat([phi_k - phi_k.mean(-2, keepdim=True), torch.ones_like(phi_k[..., :1])], -1)
        a = self.add_branch(Factored(left, right, stochastic=False))
        return a if kernel is None else Sum(a, Depthwise(kernel, self.grid, len(q)))
