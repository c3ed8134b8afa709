"""How attention flows through layers: whom a token has heard of after one, two, three of them.

A layer mixes values: o = A v, with v shifted first where the method says so. Token j has been heard by token
i if v_j moves o_i; which tokens those are is asked of the layer itself, by one gradient, so a scope, a shift
and a method that hides its map are all answered alike.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .shapes import Bool

Layer = Callable[[Tensor], Tensor]  # values (1, H, N, E) -> outputs (1, H, N, E), linear


def heard(layer: Layer, listening: Bool[Tensor, "N"], heads: int = 1, width: int = 16) -> Bool[Tensor, "N"]:
    """Whose values reach the outputs of the tokens in `listening` through one layer.

    >>> heard(lambda v: v.flip(-2), torch.tensor([True, False, False])).tolist()
    [False, False, True]
    """
    v = torch.zeros(1, heads, len(listening), width, requires_grad=True)
    out = layer(v)
    # weights of one sign per token but different per channel: contributions cannot cancel in a non-negative map
    asked = out * torch.linspace(1, 2, out.shape[-1])
    asked[..., listening, :].sum().backward()
    if v.grad is None:
        return torch.zeros_like(listening)
    return v.grad.abs().sum((0, 1, 3)) > 0


def reach(layers: Sequence[Layer], query: int, tokens: int, heads: int = 1, width: int = 16) -> list[Tensor]:
    """Whom the query has heard of after the last layer, after the last two, and so on: one (N,) mask a layer.

    Layers are given in the order they run. A token keeps what it has (the residual), so reach never shrinks.

    >>> [m.sum().item() for m in reach([lambda v: v.roll(1, -2)] * 3, query=0, tokens=9)]
    [2, 3, 4]
    """
    if not 0 <= query < tokens:
        raise ValueError(f"query {query} is not one of {tokens} tokens")
    known = torch.zeros(tokens, dtype=torch.bool)
    known[query] = True
    out = []
    for layer in reversed(layers):
        known = known | heard(layer, known, heads, width)
        out.append(known)
    return out
