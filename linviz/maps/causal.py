"""The map of causal linear attention: the lower triangle of two thin factors.

    A = tril(L R^T)        o_i = l_i . S_i        S_i = S_{i-1} + r_i v_i^T

The state S never grows, so this is a recurrent network. The triangle undoes the rank bound: A is lower
triangular, and full rank wherever its diagonal is not zero.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .base import Map
from .factored import Normaliser

CHUNK = 64  # tokens whose mutual weights are written out at once


class CausalFactored(Map):
    """Features phi_q (..., N, M), phi_k (..., N, M); row i is divided by its own running sum."""

    def __init__(self, phi_q: Tensor, phi_k: Tensor, normaliser: Normaliser, logits: tuple[Tensor, Tensor] | None = None,
                 stochastic: bool = True) -> None:
        self.phi_q, self.phi_k, self.normaliser, self.logits = phi_q, phi_k, normaliser, logits
        q, k = (phi_q, phi_k) if logits is None else (f * z.sigmoid() for f, z in zip((phi_q, phi_k), logits, strict=True))
        sums = (q * k.cumsum(-2)).sum(-1, keepdim=True)
        self.left, self.right, self.stochastic = q / normaliser(sums), k, stochastic
        self.shape = (q.shape[-2], k.shape[-2])
        self.rank_bound = min(self.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.left.dtype

    def apply(self, v: Tensor) -> Tensor:
        state = v.new_zeros(*self.right.shape[:-2], self.right.shape[-1], v.shape[-1])
        out = []
        for q, k, x in zip(*(t.split(CHUNK, -2) for t in (self.left, self.right, v)), strict=True):
            out.append((q @ k.mT).tril() @ x + q @ state)
            state = state + k.mT @ x
        return torch.cat(out, -2)

    def rows(self, i: Tensor) -> Tensor:
        seen = torch.arange(self.shape[1]) <= i[:, None]
        return (self.left[..., i, :] @ self.right.mT) * seen

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        wire = {"kind": "kernel", "phi_q": self.phi_q[at], "phi_k": self.phi_k[at], "normaliser": self.normaliser.wire(),
                "causal": True}
        if self.logits is not None:
            wire |= {"z_q": self.logits[0][at], "z_k": self.logits[1][at]}
        return wire
