"""The map of softmax attention: each row is a softmax of scores over the keys.

    A_ij = exp(scale q_i.k_j + bias_ij) / sum_l exp(scale q_i.k_l + bias_il)

The map stores q, k and bias. The output comes from torch's fused attention and single rows are computed on
request. Only `dense` and `singular_values` compute the whole N x S table.
"""
from __future__ import annotations

from copy import copy
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .base import Map
from .leading_axes import expanded_shape
from .readable import is_readable


class Scores(Map):
    """Softmax over keys of scale q k^T + bias. q (..., N, D), k (..., S, D), bias broadcasts to (..., N, S).

    `causal`: query i sees keys 0..i only. A bias of -inf forbids a pair; forbidding all keys of a query is an error.
    In a bias of bool, True allows a pair, as in torch; of another dtype it is converted.
    """

    def __init__(self, q: Tensor, k: Tensor, bias: Tensor | np.ndarray | None = None, scale: float | None = None,
                 causal: bool = False) -> None:
        self.q, self.k, self.causal = q, k, causal
        self.scale = q.shape[-1] ** -0.5 if scale is None else scale
        self.shape = (q.shape[-2], k.shape[-2])
        self.rank_bound = min(self.shape)
        self.bias = None if bias is None else _added_scores(bias, q, self.shape)
        if self.bias is not None and is_readable(self.bias) and bool((self.bias == -torch.inf).all(-1).any()):
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

    def single_heads(self) -> list[Map]:
        lead = expanded_shape(self.q.shape[:-2], self.k.shape[:-2])
        q, k = (x.expand(*lead, *x.shape[-2:]) for x in (self.q, self.k))
        bias = None if self.bias is None else self.bias.expand(*lead, *self.bias.shape[-2:])
        heads = []
        for at in product(*map(range, lead)):
            head = copy(self)  # the bias was checked when this map was made
            head.q, head.k, head.bias = q[at], k[at], None if bias is None else bias[at]
            heads.append(head)
        return heads  # type: ignore[return-value]

    def take_rows(self, i: Tensor) -> Tensor:
        scores = (self.q[..., i, :] @ self.k.mT).mul_(self.scale)  # (..., len(i), S)
        mask = self._mask(i)
        scores = scores if mask is None else scores + mask
        return scores.softmax(-1) if scores.requires_grad else torch.softmax(scores, -1, out=scores)

    def apply(self, v: Tensor) -> Tensor:
        masked = self.causal or self.bias is not None
        mask = self._mask(torch.arange(self.shape[0], device=self.device)) if masked else None
        return scaled_dot_product_attention(self.q, self.k, v, attn_mask=mask, scale=self.scale)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        wire = {"kind": "softmax", "q": self.q[at], "k": self.k[at], "scale": self.scale, "causal": self.causal}
        if self.bias is not None:
            wire["bias"] = self.bias.expand(*self.q.shape[:-2], *self.shape)[at]
        return wire


def _added_scores(bias: Any, q: Tensor, shape: tuple[int, int]) -> Tensor:
    """A bias as a tensor like q; ValueError, in one sentence, where it is none or does not fit."""
    if not isinstance(bias, Tensor | np.ndarray):
        raise ValueError(f"a bias is a tensor or an array of numpy that is added to the scores; got {bias!r:.40}")
    bias = torch.as_tensor(bias, device=q.device)
    if bias.dtype == torch.bool:
        bias = torch.zeros(bias.shape, dtype=q.dtype, device=q.device).masked_fill(~bias, -torch.inf)
    wanted = (*q.shape[:-2], *shape)
    if bias.ndim > len(wanted) or any(n not in (1, m) for n, m in zip(bias.shape[::-1], wanted[::-1])):
        raise ValueError(f"a bias has one number per query and key, {wanted} or a shape that expands to it; got "
                         f"{tuple(bias.shape)}")
    if is_readable(bias) and bool((bias.isnan() | (bias == torch.inf)).any()):
        raise ValueError("a bias contains NaN or infinity; only -inf, which forbids a pair, is allowed")
    return bias.to(q.dtype)
