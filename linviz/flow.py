"""How attention flows through layers: from which tokens a query has received information, and how much of each.

A layer mixes values: o = A v, with v shifted first where the method asks for it. Token i receives information
from token j if v_j changes o_i. One gradient through the layer finds all these tokens. This works in the same
way for a scope, for a shift and for a method that does not expose its map.

Attention rollout says how much: with the residual connection a layer is A + I, rows divided by their sums, where A is
the mean over heads, and layers multiply (Abnar and Zuidema, 2020, arXiv 2005.00928):

    share = e_query (A_L + I)/2 ... (A_1 + I)/2             rows of A sum to one, so the shares sum to one

One query needs one row, a vector that passes back through the layers: no table of all pairs is written out. Public
programs compute other things under this name; `RULES` has three of them, which need the tables.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .shapes import Bool, Float

SIGNED = 1e-6  # of the largest weight: what lies further below zero is a negative weight, and not rounding
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


# ------------------------------------------------------------------------------------------------ attention rollout


@torch.enable_grad()
def rollout(layers: Sequence[Layer], query: int, tokens: int, heads: int = 1, width: int = 16) -> Float[Tensor, "N"]:
    """The share that each token has in the query after all layers, (N,), as published; the shares sum to one.

    Layers are listed in the order in which they run. Each costs one forward and one backward pass of its map.
    ValueError for a query out of range, and where weights are negative: then there are no shares.

    >>> rollout([lambda v: v.mean(-2, keepdim=True).expand_as(v)] * 2, query=0, tokens=4).tolist()
    [0.4375, 0.1875, 0.1875, 0.1875]
    """
    share = _query_alone(query, tokens)
    for layer in reversed(layers):
        v = torch.ones(1, heads, tokens, width, requires_grad=True)
        out = layer(v).mean((0, 1, 3))            # the sum of each row, mean over heads and channels
        share = share / (1 + _without_signs(out.detach()))  # rows of A + I divided by their sums
        back, = torch.autograd.grad(out @ share, v)
        share = share + _without_signs(back.sum((0, 1, 3)))
    return share


def layer_table(layer: Layer, tokens: int, heads: int = 1) -> Float[Tensor, "H N N"]:
    """The weights of all pairs in every head of a layer that shifts no values, (H, N, N).

    >>> layer_table(lambda v: v.roll(1, -2), tokens=3)[0].tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    with torch.no_grad():
        return layer(torch.eye(tokens).expand(1, heads, tokens, tokens))[0]


@torch.enable_grad()
def shifted_table(table: Float[Tensor, "H N N"], shift: Layer, folds: int) -> Float[Tensor, "H N N"]:
    """The weights on tokens whose values a layer shifts before it mixes them, mean over channels: (H, N, N).

    folds  the number of parts into which `shift` cuts the channels of a head: `fixation.PARTS` of its axis, or less by
    what it has in common with the number of heads, since parts are counted across heads.

    >>> from linviz import Grid, fixation
    >>> shift = lambda v: fixation.shift_channels(v, Grid(T=3), "time")
    >>> shifted_table(torch.eye(3)[None], shift, folds=4)[0, 1].tolist()
    [0.25, 0.5, 0.25]
    """
    heads, tokens, _ = table.shape
    v = torch.zeros(1, heads, tokens, folds * tokens, requires_grad=True)
    back, = torch.autograd.grad(shift(v), v, table.mT.repeat(1, 1, folds)[None])  # every fold carries all rows
    return back[0].unflatten(-1, (folds, tokens)).mean(-2).mT


@dataclass(frozen=True)
class RolloutRule:
    """How a program turns the tables of a layer, (H, N, N), into the one that it multiplies.

    fuse      "mean" or "max" over heads;  keep  the fraction of all weights that is kept, the largest; ties stay
    residual  whether the identity is added;  divide  "rows" by their sums, "columns" by the sums of rows, "none"
    """

    title: str
    source: str
    fuse: str = "mean"
    keep: float = 1.0
    residual: bool = True
    divide: str = "rows"

    def mixing(self, table: Float[Tensor, "H N N"]) -> Float[Tensor, "N N"]:
        """What is multiplied. ValueError for negative weights.

        >>> RULES["published"].mixing(torch.full((1, 2, 2), 0.5)).tolist()
        [[0.75, 0.25], [0.25, 0.75]]
        """
        a = _without_signs(table.amax(0) if self.fuse == "max" else table.mean(0))
        if self.keep < 1:
            least = a.flatten().kthvalue(1 + int((1 - self.keep) * a.numel())).values
            a = a.where(a >= least, 0)
        if self.residual:
            a = a + torch.eye(len(a))
        sums = a.sum(-1)
        return a if self.divide == "none" else a / (sums[:, None] if self.divide == "rows" else sums)


RULES = {
    "published": RolloutRule("as published", "Abnar and Zuidema, 2020; attention_flow, add_residual=True"),
    "columns": RolloutRule("columns divided", "vit-explain, as its command line has it", fuse="max", keep=0.1,
                           divide="columns"),
    "product": RolloutRule("without the residual", "attention_flow, add_residual=False", residual=False,
                           divide="none"),
    "undivided": RolloutRule("rows not divided", "Transformer-Explainability, ViT_LRP.py", divide="none")}


def roll_back(mixings: Sequence[Float[Tensor, "N N"]], query: int) -> Float[Tensor, "N"]:
    """Row `query` of the product of all layers' tables, (N,); layers are listed in the order in which they run.

    >>> tables = [torch.full((1, 2, 2), 0.5)] * 2
    >>> [roll_back([rule.mixing(t) for t in tables], 0).sum().item() for rule in RULES.values()]
    [1.0, 1.0, 1.0, 4.0]
    """
    share = _query_alone(query, len(mixings[0]) if mixings else query)
    for mixing in reversed(mixings):
        share = share @ mixing
    return share


def total_variation(p: Float[Tensor, "N"], q: Float[Tensor, "N"]) -> float:
    """The part of the mass that lies elsewhere, 0..1, after both are scaled to sum to one.

    >>> total_variation(torch.tensor([1.0, 1.0]), torch.tensor([4.0, 0.0]))
    0.5
    """
    return (p / p.sum() - q / q.sum()).abs().sum().item() / 2


def _query_alone(query: int, tokens: int) -> Tensor:
    if not 0 <= query < tokens:
        raise ValueError(f"query {query} is outside the range 0..{tokens - 1}")
    share = torch.zeros(tokens)
    share[query] = 1
    return share


def _without_signs(weights: Tensor) -> Tensor:
    """The same weights, if none is negative."""
    if weights.min() < -SIGNED * weights.abs().max():
        raise ValueError(f"rollout adds up shares, and this layer has negative weights, down to {weights.min():.2g}: "
                         "ask `reach` which tokens it meets")
    return weights.clamp_min(0)
