"""The map of causal linear attention: the lower triangle of a product of two thin factors.

    A = tril(L R^T)        o_i = l_i . S_i        S_i = S_{i-1} + r_i v_i^T

The state S has a fixed size, so this is a recurrent network. Taking the triangle removes the bound on the
rank: A is lower triangular, and it has full rank if no entry of its diagonal is zero.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .base import Map
from .causal_output import causal_output
from .factored import Features, Normaliser


def check_paired(features: Features) -> None:
    """Refuse queries and keys of different number: query i sees the keys up to its own."""
    if features.q.shape[-2] != features.k.shape[-2]:
        raise ValueError(f"a causal map pairs query i with key i; got {features.q.shape[-2]} queries and "
                         f"{features.k.shape[-2]} keys")


class CausalFactored(Map):
    """Features of q and k (..., N, M); row i is divided by its own running sum."""

    def __init__(self, features: Features, normaliser: Normaliser, stochastic: bool = True) -> None:
        self.features, self.normaliser, self.stochastic = features, normaliser, stochastic
        check_paired(features)
        self.phi_q, self.right = features.gated()
        self.shape = (self.phi_q.shape[-2], self.right.shape[-2])
        self.rank_bound = min(self.shape)

    @cached_property
    def left(self) -> Tensor:
        """The features of the queries divided by the row sums (..., N, M), which an output does not need."""
        return self.phi_q / self.normaliser((self.phi_q * self.right.cumsum(-2)).sum(-1, keepdim=True))

    @property
    def like(self) -> Tensor:
        return self.phi_q

    def apply(self, v: Tensor) -> Tensor:
        return causal_output(self.phi_q, self.right, v, self.normaliser)

    def take_rows(self, i: Tensor) -> Tensor:
        seen = torch.arange(self.shape[1], device=i.device) <= i[:, None]
        return (self.left[..., i, :] @ self.right.mT) * seen

    def column_sums(self) -> Tensor:
        """Of key j: r_j . sum of l_i over i >= j."""
        later = self.left.flip(-2).cumsum(-2).flip(-2)
        return (self.right * later).sum(-1)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        return self.features.wire(at) | {"normaliser": self.normaliser.wire(), "causal": True}


@dataclass(frozen=True)
class State:
    """The state of the recurrent form after the tokens so far: S (B, H, M, E) and z (B, H, M), of fixed size.

    S_i = S_{i-1} + phi(k_i) v_i^T        z_i = z_{i-1} + phi(k_i)        o_i = phi(q_i) S_i / (phi(q_i).z_i)

    Of features with exponents the state keeps the largest exponents so far, top (B, H, 1, M), and S and z are
    relative to it: multiplied by exp(-top).
    """

    S: Tensor
    z: Tensor
    seen: int = 0
    top: Tensor | None = None

    @classmethod
    def empty(cls, q: Tensor, v: Tensor, features: int) -> State:
        """The state before the first token; q (B, H, 1, D) and v (B, H, 1, E) determine the sizes."""
        return cls(v.new_zeros(*q.shape[:-2], features, v.shape[-1]), v.new_zeros(*q.shape[:-2], features))

    def after(self, k: Tensor, v: Tensor, s_k: Tensor | None = None) -> State:
        """The state after one more token: k (B, H, 1, M) times exp(s_k), and v (B, H, 1, E), join the memory."""
        if s_k is None:
            return State(self.S + k.mT @ v, self.z + k.squeeze(-2), self.seen + 1)
        top = s_k.detach() if self.top is None else torch.maximum(self.top, s_k.detach())
        fade = torch.ones_like(top) if self.top is None else (self.top - top).exp()
        k = k * (s_k - top).exp()
        return State(self.S * fade.mT + k.mT @ v, self.z * fade.squeeze(-2) + k.squeeze(-2), self.seen + 1, top)

    def read(self, q: Tensor, normaliser: Normaliser, s_q: Tensor | None = None) -> Tensor:
        """The output for a query (B, H, 1, M), times exp(s_q): (B, H, 1, E)."""
        top = None
        if s_q is not None and self.top is not None:
            top = (s_q.detach() + self.top).amax(-1, keepdim=True)
            q = q * (s_q + self.top - top).exp()
        return q @ self.S / normaliser(q @ self.z.unsqueeze(-1), top)
