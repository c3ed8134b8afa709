"""The map of linear attention: two thin factors instead of the table, which is never computed.

    A = L R^T        L (N, M), R (S, M)        A v = L (R^T v)

Rank A <= M, whatever the length of the clip. The spectrum comes from the factors as well: with L = U1 R1 and
R = U2 R2 (thin QR), A = U1 (R1 R2^T) U2^T, so A and the M x M matrix R1 R2^T have the same non-zero singular
values.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from .base import Map
from .kernel_output import kernel_output
from .leading_axes import expanded_shape, pick_channel

QR_ROWS = 2048   # rows of a factor that are decomposed at once
GREATEST = 60.0  # the largest exponent of a feature that a gate reads: the sum of such features is finite in float32


class Factored(Map):
    """A = left right^T, already normalised. left (..., N, M), right (..., S, M).

    >>> a = Factored(torch.full((4, 1), 0.25), torch.ones(4, 1))     # the uniform map
    >>> a.apply(torch.arange(4.0)[:, None])[0]
    tensor([1.5000])
    """

    def __init__(self, left: Tensor, right: Tensor, stochastic: bool = True) -> None:
        self.left, self.right, self.stochastic = left, right, stochastic
        self.shape = (left.shape[-2], right.shape[-2])
        self.rank_bound = min(left.shape[-1], *self.shape)

    @property
    def like(self) -> Tensor:
        return self.left

    @property
    def lead(self) -> tuple[int, ...]:
        return expanded_shape(self.left.shape[:-2], self.right.shape[:-2])

    @property
    def tolerance(self) -> float:
        """M eps of the dtype of q and k (rounding happens in the factors), but at least N eps of float64."""
        eps, double = torch.finfo(self.dtype).eps, torch.finfo(torch.float64).eps
        return max(eps * self.left.shape[-1], double * max(self.shape))

    def apply(self, v: Tensor) -> Tensor:
        return self.left @ (self.right.mT @ v)

    def left_rows(self, i: Tensor | slice) -> Tensor:
        """The rows i of the left factor: (..., n, M)."""
        return self.left[..., i, :]

    def take_rows(self, i: Tensor) -> Tensor:
        left = self.left_rows(i)
        return (self.right @ left.mT).mT if len(i) == 1 else left @ self.right.mT  # one row: R is read in its order

    def nth(self, c: int) -> Factored:
        return Factored(pick_channel(self.left, c), pick_channel(self.right, c), self.stochastic)

    def single_heads(self) -> list[Map]:
        left, right = (x.expand(*self.lead, *x.shape[-2:]) for x in (self.left, self.right))
        return [Factored(left[at], right[at], self.stochastic) for at in product(*map(range, self.lead))]

    def centred(self) -> Factored:
        return Factored(self.left - self.left.mean(-2, keepdim=True), self.right, stochastic=False)

    def column_sums(self) -> Tensor:
        return (self.right @ self.left.sum(-2).unsqueeze(-1)).squeeze(-1)

    def singular_values(self, top: int | None = None) -> Tensor:
        """The first min(M, N, S) singular values, as float64; all others are exactly zero."""
        r1, r2 = (triangular_factor(f) for f in (self.left, self.right))
        return torch.linalg.svdvals(r1 @ r2.mT)[..., :self.rank_bound][..., :top]

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        return {"kind": "factored", "left": self.left[at], "right": self.right[at]}


def triangular_factor(x: Tensor, rows: int | None = None) -> Tensor:
    """R of a thin QR of x (..., N, M), in float64, up to signs: of each block of rows below the R of all before.

    A block stays in the cache, and of the whole of x no copy is made.

    >>> x = torch.arange(12.0).view(6, 2)
    >>> [triangular_factor(x, rows).abs().round(decimals=6)[0, 0].item() for rows in (2, 6)]
    [14.832397, 14.832397]
    """
    first, *others = x.split(rows or QR_ROWS, -2)
    r = torch.linalg.qr(first.double(), mode="r").R
    for block in others:
        r = torch.linalg.qr(torch.cat([r, block.double()], -2), mode="r").R
    return r


class KernelMap(Factored):
    """A_ij = phi(q_i).phi(k_j) / row sum: a factored map that keeps the features from which it was made.

    A gate g multiplies the features. Its logits z are kept separately, so that a viewer can change its strength s
    from 0 (g = 1/2 everywhere, which cancels) to 1: g = sigmoid(s z). The row sums change with s, so the browser
    receives features and logits and normalises the rows itself.
    """

    def __init__(self, features: Features, normaliser: Normaliser, stochastic: bool = True) -> None:
        self.features, self.normaliser, self.stochastic = features, normaliser, stochastic
        self.phi_q, self.right = features.gated()
        self.shape = (self.phi_q.shape[-2], self.right.shape[-2])
        self.rank_bound = min(self.phi_q.shape[-1], *self.shape)

    @cached_property
    def left(self) -> Tensor:  # type: ignore[override]
        """The features of the queries divided by the row sums (..., N, M); outputs, rows and sums do without."""
        return self.left_rows(slice(None))

    @cached_property
    def key_sum(self) -> Tensor:
        """The sum of the features of all keys: (..., M, 1)."""
        return self.right.sum(-2, keepdim=True).mT

    def left_rows(self, i: Tensor | slice) -> Tensor:
        x = self.phi_q[..., i, :]
        return x / self.normaliser(x @ self.key_sum)

    @property
    def like(self) -> Tensor:
        return self.phi_q

    def apply(self, v: Tensor) -> Tensor:
        return kernel_output(self.phi_q, self.right, v, self.normaliser)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        return self.features.wire(at) | {"normaliser": self.normaliser.wire()}


@dataclass(frozen=True)
class Features:
    """phi of queries (..., N, M) and of keys (..., S, M), with the logits of the gate if there is one.

    Exponents s_q and s_k, of the same size or one per token, multiply the features by exp(s_q) and exp(s_k).
    """

    q: Tensor
    k: Tensor
    z_q: Tensor | None = None
    z_k: Tensor | None = None
    s_q: Tensor | None = None
    s_k: Tensor | None = None

    @classmethod
    def exponentials(cls, s_q: Tensor, s_k: Tensor) -> Features:
        """The features exp(s_q) (..., N, M) and exp(s_k) (..., S, M)."""
        return cls(torch.ones_like(s_q), torch.ones_like(s_k), s_q=s_q, s_k=s_k)

    def multiplied(self) -> tuple[Tensor, Tensor]:
        """The features as a gate reads them: with exponents, of which those above GREATEST count as GREATEST."""
        if self.s_q is None or self.s_k is None:
            return self.q, self.k
        return self.q * self.s_q.clamp_max(GREATEST).exp(), self.k * self.s_k.clamp_max(GREATEST).exp()

    def joined(self) -> Features:
        """The same features with the gate multiplied in; of exponents, with its logarithm added."""
        if self.z_q is None or self.z_k is None:
            return self
        if self.s_q is None or self.s_k is None:
            return Features(*self.gated())
        return Features(self.q, self.k, s_q=self.s_q + logsigmoid(self.z_q), s_k=self.s_k + logsigmoid(self.z_k))

    def gated(self) -> tuple[Tensor, Tensor]:
        """The features multiplied by their fixation ratios."""
        if self.z_q is None or self.z_k is None:
            return self.q, self.k
        return self.q * self.z_q.sigmoid(), self.k * self.z_k.sigmoid()

    def wire(self, at: Any) -> dict[str, Any]:
        """Features and logits of one batch and head; the browser applies the gate and normalises."""
        wire: dict[str, Any] = {"kind": "kernel", "phi_q": self.q[at], "phi_k": self.k[at]}
        if self.z_q is not None and self.z_k is not None:
            wire |= {"z_q": self.z_q[at], "z_k": self.z_k[at]}
        if self.s_q is not None and self.s_k is not None:
            wire |= {"s_q": self.s_q.expand_as(self.q)[at], "s_k": self.s_k.expand_as(self.k)[at]}
        return wire


class Normaliser:
    """The divisor of a row, made from its sum so that an empty row is not divided by zero.

    "add": sum + eps.  "clamp": max(sum, eps).  "none": no division.
    """

    def __init__(self, kind: str = "add", eps: float = 0.0) -> None:
        if kind not in ("add", "clamp", "none"):
            raise ValueError(f"a normaliser must be 'add', 'clamp' or 'none'; got {kind!r}")
        self.kind, self.eps = kind, eps

    def __call__(self, sums: Tensor, top: Tensor | None = None) -> Tensor:
        """The divisor of the sums, or of sums that are multiplied by exp(-top)."""
        if self.kind == "none":
            return torch.ones_like(sums)
        eps = self.eps if top is None or not self.eps else self.eps * (-top).exp()
        divisor = sums + eps if self.kind == "add" else sums.clamp_min(eps)
        return divisor.masked_fill(divisor == 0, 1.0)  # an empty row stays empty: dead, not NaN

    def slope(self, sums: Tensor) -> Tensor:
        """How the divisor follows its sum: 1, or 0 where it is clamped or the row is empty.

        >>> Normaliser("clamp", 0.5).slope(torch.tensor([0.2, 0.5, 3.0]))
        tensor([0., 1., 1.])
        """
        if self.kind == "none":
            return torch.zeros_like(sums)
        alive = sums + self.eps != 0 if self.kind == "add" else (sums >= self.eps) & (sums.clamp_min(self.eps) != 0)
        return alive.to(sums.dtype)

    def wire(self) -> dict[str, Any]:
        """The data with which a browser does the same."""
        return {"kind": self.kind, "eps": self.eps}
