"""One line for four: uniform attention, linear attention, InLine and MALA differ only in contrast.

    A_ij = 1/S + c_i (p_ij - 1/S)             p_ij = phi(q_i).phi(k_j) / sum_l phi(q_i).phi(k_l)
    z_i  = D^-1/2 phi(q_i).mean_l phi(k_l)    grows with the length of phi(q_i);  phi(x) = elu(x) + 1

    c_i = 0        uniform attention: the query does not count
    c_i = 1        linear attention: only the direction of phi(q_i) counts
    c_i = z_i      InLine, with these features
    c_i = 1 + z_i  MALA, without rotation

Every row sums to one, whatever c is. Where c > 1, a weight is negative exactly if p_ij < (1 - 1/c_i) / S. So a map
that shows the length of a query by contrast pays for it with signed weights.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .maps import Factored, Features, KernelMap, Normaliser
from .mechanisms.linear import elu_plus_one

PLACES = ("uniform", "linear", "inline", "mala")  # mechanisms on the line, from low contrast to high


@dataclass(frozen=True, eq=False)
class ContrastLine:
    """The line for q (B, H, N, D) and k (B, H, S, D): `linear` is p, `z` (B, H, N, 1) the length of every query.

    >>> x = torch.randn(1, 1, 9, 4, generator=torch.Generator().manual_seed(0))
    >>> line = ContrastLine.of(x, x)
    >>> line.map(0.0).rows(0)[0, 0, 0, :3].mul(9).round(decimals=4).tolist()
    [1.0, 1.0, 1.0]
    """

    linear: KernelMap
    z: Tensor

    @classmethod
    def of(cls, q: Tensor, k: Tensor) -> ContrastLine:
        """The line of these queries and keys, with the features elu + 1 and without an epsilon."""
        phi_q, phi_k = elu_plus_one(q), elu_plus_one(k)
        z = q.shape[-1] ** -0.5 * phi_q @ phi_k.mean(-2, keepdim=True).mT
        return cls(KernelMap(Features(phi_q, phi_k), Normaliser("add", 0.0)), z)

    def contrast(self, name: str) -> Tensor:
        """c of every query (B, H, N, 1) of one of PLACES; ValueError for another name."""
        if name not in PLACES:
            raise ValueError(f"no place {name!r} on the line of contrast; there are: {', '.join(PLACES)}")
        return {"uniform": 0 * self.z, "linear": 0 * self.z + 1, "inline": self.z, "mala": 1 + self.z}[name]

    def map(self, c: Tensor | float) -> Factored:
        """A for a contrast c, one number or one per query (B, H, N, 1); signed, D + 1 columns."""
        c, S = c * torch.ones_like(self.z), self.linear.shape[1]
        left = torch.cat([c * self.linear.left, (1 - c) / S], -1)
        right = torch.cat([self.linear.right, torch.ones_like(self.linear.right[..., :1])], -1)
        return Factored(left, right, stochastic=False)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        """What explorer/atlas/contrast.js needs to draw any row at any c: p, and the four places of a query."""
        return {"linear": self.linear.wire(at), "places": {name: self.contrast(name)[at][:, 0] for name in PLACES}}
