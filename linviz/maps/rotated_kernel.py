"""A kernel whose features are turned by the place of their token above the fraction, and not below it.

    A_ij = R_i phi(q_i).R_j phi(k_j) / (phi(q_i).sum_m phi(k_m) + eps)

The divisor stays positive while weights can become negative, and rows need not sum to one.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .factored import Factored, Features, Normaliser


class RotatedKernel(Factored):
    """Angles (N, P) and (S, P), in radians, turn the first P pairs of channels in every `group` channels.

    Like a `KernelMap` it keeps the features, the logits of their gate and the angles, so that a viewer can change the
    strength of the gate. `above`: other features above the fraction, under the same gate.

    >>> phi = Features(torch.ones(1, 2), torch.ones(1, 2))
    >>> quarter, none = torch.full((1, 1), torch.pi / 2), torch.zeros(1, 1)
    >>> RotatedKernel(phi, Normaliser(), (quarter, none), 2).dense().abs() < 1e-6  # a right angle lies between
    tensor([[True]])
    """

    def __init__(self, features: Features, normaliser: Normaliser, angles: Sequence[Tensor], group: int,
                 above: Features | None = None) -> None:
        self.features, self.normaliser, self.angles, self.group = features, normaliser, angles, group
        self.above = features if above is None else above
        q, k = features.gated()
        divisor = normaliser(q @ k.sum(-2, keepdim=True).mT)
        q, k = self.above.gated()
        super().__init__(self.turned(q, 0) / divisor, self.turned(k, 1), stochastic=False)

    def turned(self, x: Tensor, side: int) -> Tensor:
        """Features (..., N, M) of queries, side 0, or keys, side 1, turned group by group."""
        groups = x.unflatten(-1, (-1, self.group)).movedim(-2, 0)
        return rotate_pairs(groups, self.angles[side]).movedim(0, -2).flatten(-2)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        """Features, logits and angles of one batch and head; the browser applies the gate, turns and normalises."""
        over: dict[str, Any] = {"group": self.group}
        for side, angles in zip("qk", self.angles, strict=True):
            over[f"angles_{side}"] = angles.expand(*self.lead, *angles.shape)[at]
        if self.above is not self.features:
            over |= {"up_q": self.above.q[at], "up_k": self.above.k[at]}
        return self.features.wire(at) | {"normaliser": self.normaliser.wire(), "over": over}


def rotate_pairs(x: Tensor, angles: Tensor) -> Tensor:
    """x (..., N, D) with its pairs of channels turned by angles (N, P) or (H, N, P); channels past 2 P stay.

    >>> rotate_pairs(torch.tensor([[1.0, 0.0, 5.0]]), torch.tensor([[torch.pi / 2]])).round(decimals=3).abs().tolist()
    [[0.0, 1.0, 5.0]]
    """
    cos, sin, P = angles.cos().to(x.dtype), angles.sin().to(x.dtype), angles.shape[-1]
    a, b = x[..., 0:2 * P:2], x[..., 1:2 * P:2]
    turned = torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)
    return torch.cat([turned, x[..., 2 * P:]], -1)
