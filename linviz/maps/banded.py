"""The map of local attention-free transformers: one number per key, and a bias for a few keys near each query.

    A_ij = softmax_j (key_j + b_ij)        b_ij = bias_ip where index_ip = j, zero for every other key

Almost all weights of a row are exp(key_j), the same in every row, so their sum is computed once. The few
weights with a bias are corrected: exp(key + b) = exp(key) + (exp(b) - 1) exp(key). The work is N P instead
of N S.
"""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from .base import Map
from .factored import Factored
from .leading_axes import expanded_shape, pick_channel
from .sparse import Sparse


class Banded(Map):
    """index (N, P): the keys with a bias; bias (..., N, P); key (..., S). An index outside the grid has bias zero.

    causal: query i sees keys 0..i, and the sums become running sums.

    >>> a = Banded(torch.tensor([[0], [1]]), torch.full((2, 1), math.log(3)), torch.zeros(2))
    >>> a.dense().tolist()
    [[0.75, 0.25], [0.25, 0.75]]
    """

    def __init__(self, index: Tensor, bias: Tensor, key: Tensor, causal: bool = False) -> None:
        future = index > torch.arange(len(index), device=index.device)[:, None]
        self.bias = bias.masked_fill(future, 0.0) if causal else bias
        self.index, self.key, self.causal = index, key, causal
        self.shape = (index.shape[-2], key.shape[-1])
        self.rank_bound = min(self.shape)

    @property
    def like(self) -> Tensor:
        return self.key

    @property
    def safe(self) -> bool:
        """Whether every row has a weight well above underflow; a causal row may not contain the largest key."""
        span = (self.key.amax(-1) - self.key.amin(-1)).max() if self.causal else 0.0
        return self.key.is_meta or bool(span + self.bias.abs().max() < -math.log(torch.finfo(self.dtype).tiny) / 2)

    def apply(self, v: Tensor) -> Tensor:
        if not self.safe:
            return super().apply(v)
        return self._sums(self._loud * v) / self._sums(self._loud)

    @property
    def _loud(self) -> Tensor:
        """exp(key) up to a factor that cancels in every row: (..., S, 1)."""
        return (self.key - self.key.amax(-1, keepdim=True)).exp().unsqueeze(-1)

    def _sums(self, x: Tensor) -> Tensor:
        """Sum over the keys that each query sees, including the bias of near keys: (..., S, E) -> (..., N, E)."""
        alike = x.cumsum(-2) if self.causal else x.sum(-2, keepdim=True)
        return alike + Sparse(self.index, self.bias.expm1(), self.shape[1], stochastic=False).apply(x)

    def take_rows(self, i: Tensor) -> Tensor:
        near = self.bias[..., i, :]
        lead = expanded_shape(near.shape[:-2], self.key.shape[:-1])
        key = self.key - self.key.amax(-1, keepdim=True)  # a small bias is not rounded away beside a large key
        scores = key.unsqueeze(-2).expand(*lead, len(i), self.shape[1])
        index = self.index[i].expand(*lead, -1, -1)
        scores = scores.scatter_add(-1, index, near.expand(index.shape))
        if self.causal:
            scores = scores.masked_fill(torch.arange(self.shape[1], device=i.device) > i[:, None], -torch.inf)
        return scores.softmax(-1)

    def column_sums(self) -> Tensor:
        if not self.safe:
            return super().column_sums()
        alike, near = self._parts()
        later = alike.left.flip(-2).cumsum(-2).flip(-2) if self.causal else alike.left.sum(-2, keepdim=True)
        return (alike.right * later).squeeze(-1) + near.column_sums()

    def _parts(self) -> tuple[Factored, Sparse]:
        """One number per key for all rows that see it, and the corrections near each query."""
        share = 1 / self._sums(self._loud)  # (..., N, 1)
        near = self.bias.expm1() * self._loud.squeeze(-1)[..., self.index] * share
        return Factored(share, self._loud), Sparse(self.index, near, self.shape[1], stochastic=False)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        """The sum of two short maps."""
        if self.causal or not self.safe:
            return super().wire(at)
        return {"kind": "sum", "parts": [part.wire(at) for part in self._parts()]}

    def nth(self, c: int) -> Banded:
        bias = self.bias if self.bias.ndim == 2 else pick_channel(self.bias, c)
        return Banded(self.index, bias, pick_channel(self.key.unsqueeze(-1), c).squeeze(-1), self.causal)
