"""A layer around an attention: four linear maps that turn tokens into q, k, v and the output into tokens.

    q, k, v = W_q x, W_k x, W_v x        o = A v        y = W_o o

The maps belong to the layer. They are passed to the mechanism, which may act before or after each of them:
`project` (coarser keys) and `close` (a gate on the output).
"""
from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ..grid import Grid
from ..maps import Map
from ..mechanisms import REGISTRY, make, parse


class AttentionLayer(nn.Module):
    """Tokens x (B, N, C) in, (B, N, C) out, through the attention that `spec` names, on `grid`.

    width: D of a head, by default C / heads. kv_heads: heads of k and v, shared by the heads of q.
    qkv_bias: whether W_q, W_k and W_v have biases (W_o always has). Options are those of `make`.

    >>> layer = AttentionLayer("swin@window:2", heads=2, channels=16, grid=Grid(Y=4, X=4))
    >>> x = torch.rand(1, 16, 16)
    >>> layer(x).shape, layer.map(x).shape
    (torch.Size([1, 16, 16]), (16, 16))
    """

    def __init__(self, spec: str, heads: int, channels: int, grid: Grid, *, width: int | None = None,
                 kv_heads: int | None = None, qkv_bias: bool = True, seed: int = 0, **options: Any) -> None:
        super().__init__()
        if width is None and channels % heads:
            raise ValueError(f"{channels} channels cannot be divided evenly into {heads} heads; give width=")
        width, self.heads, self.kv_heads = width or channels // heads, heads, kv_heads or heads
        if "channels" in inspect.signature(REGISTRY[parse(spec).name].build).parameters:
            options = {"channels": channels} | options
        self.attention = make(spec, heads, width, grid, seed, **options)
        value_width = self.attention.mechanism.value_width
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.to_q = nn.Linear(channels, heads * width, bias=qkv_bias)
            self.to_k = nn.Linear(channels, self.kv_heads * width, bias=qkv_bias)
            self.to_v = nn.Linear(channels, self.kv_heads * value_width, bias=qkv_bias)
            self.out = nn.Linear(heads * value_width, channels)

    def qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q (B, H, N, D), k (B, kv_heads, S, D) and v (B, kv_heads, S, E) of x (B, N, C)."""
        return self.attention.project(x, _split_heads(self.to_q, self.heads), _split_heads(self.to_k, self.kv_heads),
                                      _split_heads(self.to_v, self.kv_heads))

    def map(self, x: Tensor, **context: Any) -> Map:
        """The attention map of this layer for x."""
        return self.attention.map(*self.qkv(x), **context)

    def forward(self, x: Tensor, **context: Any) -> Tensor:
        """Tokens to tokens, (B, N, C); no residual, no norm."""
        o = self.attention(*self.qkv(x), **context)
        return self.attention.close(o, x, lambda o: self.out(o.transpose(1, 2).flatten(2)))


def _split_heads(layer: nn.Linear, heads: int) -> Callable[[Tensor], Tensor]:
    """A linear map whose output is divided into heads: (B, N, C) -> (B, heads, N, D)."""
    return lambda x: layer(x).unflatten(-1, (heads, -1)).transpose(1, 2)
