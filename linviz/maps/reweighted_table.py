"""The map of attention-free transformers: a table of position biases, reweighted by one number per key.

    A_ij = softmax_j (bias_ij + key_j)

exp(bias) and exp(key) are combined by a matrix product, so the table is exponentiated once for all channels.
Where that product could underflow, the rows are computed one by one instead.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from .base import Map
from .leading_axes import pick_channel


class ReweightedTable(Map):
    """bias (N, S), shared by all channels, -inf for a forbidden key; key (..., S): one per key (and channel)."""

    def __init__(self, bias: Tensor, key: Tensor) -> None:
        self.bias, self.key, self.shape = bias, key, (bias.shape[-2], bias.shape[-1])
        self.rank_bound = min(self.shape)

    @property
    def like(self) -> Tensor:
        return self.key

    @property
    def safe(self) -> bool:
        """Whether exp(bias - its largest) exp(key - its largest) stays above underflow."""
        least = self.bias.masked_fill(self.bias == -torch.inf, torch.inf).amin(-1)  # forbidden keys do not count
        span = (self.bias.amax(-1) - least).max() + (self.key.amax(-1) - self.key.amin(-1)).max()
        return self.key.is_meta or bool(span < -math.log(torch.finfo(self.dtype).tiny) / 2)

    def apply(self, v: Tensor) -> Tensor:
        if not self.safe:
            return super().apply(v)
        base = (self.bias - self.bias.amax(-1, keepdim=True)).exp()
        w = (self.key - self.key.amax(-1, keepdim=True)).exp().unsqueeze(-1)
        return (base @ (w * v)) / (base @ w)

    def take_rows(self, i: Tensor) -> Tensor:
        key = self.key - self.key.amax(-1, keepdim=True)  # a small bias is not rounded away beside a large key
        return (self.bias[..., i, :] + key.unsqueeze(-2)).softmax(-1)

    def nth(self, c: int) -> ReweightedTable:
        return ReweightedTable(self.bias, pick_channel(self.key.unsqueeze(-1), c).squeeze(-1))
