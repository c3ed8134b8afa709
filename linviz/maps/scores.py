"""The map of softmax attention: each row is a softmax of scores over the keys.

    A_ij = exp(scale q_i.k_j + bias_ij) / sum_l exp(scale q_i.k_l + bias_il)

The map stores q, k and bias. The output comes from torch's fused attention and single rows are computed on
request. Only `dense` and `singular_values` compute the whole N x S table.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .base import Map
from .readable import is_readable


class Scores(Map):
    """Softmax over keys of scale q k^T + bias. q (..., N, D), k (..., S, D), bias broadcasts to (..., N, S).

    `causal`: query i sees keys 0..i only. A bias of -inf forbids a pair; forbidding all keys of a query is an error.
    """

    def __init__(self, q: Tensor, k: Tensor, bias: Tensor | None = None, scale: float | None = None,
                 causal: bool = False) -> None:
        self.q, self.k, self.bias, self.causal = q, k, bias, causal
        self.scale = q.shape[-1] ** -0.5 if scale is None else scale
        self.shape = (q.shape[-2], k.shape[-2])
        self.rank_bound = min(self.shape)
        if bias is not None and is_readable(bias) and bool((bias == -torch.inf).all(-1).any()):
            raise ValueError("the bias forbids every key for one query and leaves its row empty; allow at least one")

    @property
    def like(self) -> Tensor:
        return self.q

    def _mask(self, i: Tensor) -> Tensor | None:
        """The term added to the scores of the queries i: (..., len(i), S), or None."""
        bias = None if self.bias is None else self.bias.expand(*self.bias.shape[:-2], *self.shape)[..., i, :]
        if not self.causal:
            return bias
        future = torch.arange(self.shape[1], device=i.device) > i[:, None]
        return self.q.new_zeros(future.shape).masked_fill(future, -torch.inf) + (0 if bias is None else bias)

    def take_rows(self, i: Tensor) -> Tensor:
        scores = self.q[..., i, :] @ self.k.mT * self.scale  # (..., len(i), S)
        mask = self._mask(i)
        return (scores if mask is None else scores + mask).softmax(-1)

    def apply(self, v: Tensor) -> Tensor:
        masked = self.causal or self.bias is not None
        mask = self._mask(torch.arange(self.shape[0], device=self.device)) if masked else None
        return scaled_dot_product_attention(self.q, self.k, v, attn_mask=mask, scale=self.scale)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        wire = {"kind": "softmax", "q": self.q[at], "k": self.k[at], "scale": self.scale, "causal": self.causal}
        if self.bias is not None:
            wire["bias"] = self.bias.expand(*self.q.shape[:-2], *self.shape)[at]
        return wire
