"""How attention flows through layers: from which tokens a query has received information after several layers.

A layer mixes values: o = A v, with v shifted first where the method asks for it. Token i receives information
from token j if v_j changes o_i. One gradient through the layer finds all these tokens. This works in the same
way for a scope, for a shift and for a method that does not expose its map.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from .shapes import Bool

Layer = Callable[[Tensor], Tensor]  # values (1, H, N, E) -> outputs (1, H, N, E), linear


@torch.enable_grad()
def layer_sources(layer: Layer, listening: Bool[Tensor, "N"], heads: int = 1, width: int = 16) -> Bool[Tensor, "N"]:
    """The tokens whose values reach the outputs of the tokens in `listening` through one layer.

    >>> layer_sources(lambda v: v.flip(-2), torch.tensor([True, False, False])).tolist()
    [False, False, True]
    """
    v = torch.zeros(1, heads, len(listening), width, requires_grad=True)
    out = layer(v)
    # positive weights: contributions cannot cancel in a non-negative map, nor, drawn at random, in a signed one
    asked = out * (1 + torch.rand(out.shape[-2:], generator=torch.Generator().manual_seed(0)))
    asked[..., listening, :].sum().backward()
    if v.grad is None:
        return torch.zeros_like(listening)
    return v.grad.abs().sum((0, 1, 3)) > 0


def reach(layers: Sequence[Layer], query: int, tokens: int, heads: int = 1, width: int = 16) -> list[Tensor]:
    """The tokens that reach the query through the last layer, the last two, and so on: one (N,) mask per layer.

    Layers are listed in the order in which they run. A token keeps its own content (the residual connection), so the
    reach never shrinks.

    >>> [m.sum().item() for m in reach([lambda v: v.roll(1, -2)] * 3, query=0, tokens=9)]
    [2, 3, 4]
    """
    if not 0 <= query < tokens:
        raise ValueError(f"query {query} is outside the range 0..{tokens - 1}")
    known = torch.zeros(tokens, dtype=torch.bool)
    known[query] = True
    out = []
    for layer in reversed(layers):
        known = known | layer_sources(layer, known, heads, width)
        out.append(known)
    return out
