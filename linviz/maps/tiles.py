"""A map of small dense tiles that lie where the content of q and k puts them: buckets of a hash, chosen blocks.

    A_ij = sum of the weights of all tiles that have i among their queries and j among their keys

A tile is a list of queries, a list of keys, and a small table of weights. Each batch and head has tiles of its own;
in `Blocks`, they are the same for all. Weights of the same pair in several tiles add up.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .base import Map
from .row_gathering import gather_rows, sum_rows


class Tiles(Map):
    """queries (..., C, L) and keys (..., C, P), int64, and weights (..., C, L, P); every query has `turns` places.

    N, one more than the last query, fills places without a query; the key of a place without a key may be any, and
    all weights there are zero.

    >>> queries, keys = torch.tensor([[0, 1], [2, 3]]), torch.tensor([[1], [0]])
    >>> Tiles(queries, keys, torch.tensor([[[0.5], [1.0]], [[1.0], [0.0]]]), (3, 2)).dense().tolist()
    [[0.0, 0.5], [0.0, 1.0], [1.0, 0.0]]
    """

    def __init__(self, queries: Tensor, keys: Tensor, weights: Tensor, shape: tuple[int, int],
                 turns: int = 1, stochastic: bool = True) -> None:
        self.queries, self.keys, self.weights = queries, keys, weights
        self.shape, self.stochastic, self.rank_bound = shape, stochastic, min(shape)
        in_order = queries.flatten(-2).argsort(dim=-1, stable=True)
        self.places = in_order[..., :shape[0] * turns].unflatten(-1, (shape[0], turns))

    @property
    def like(self) -> Tensor:
        return self.weights

    def apply(self, v: Tensor) -> Tensor:
        o = self.weights @ gather_rows(v, self.keys)  # (..., C, L, E)
        return sum_rows(o, self.queries, self.shape[0] + 1)[..., :-1, :]

    def _entries(self, i: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and the weights of the queries i, all tiles side by side: (..., n, turns P)."""
        places = self.places[..., i, :]
        lead, P = self.weights.shape[:-3], self.weights.shape[-1]
        places = places.expand(*lead, *places.shape[-2:])
        tile = places.flatten(-2).div(self.weights.shape[-2], rounding_mode="floor")
        keys = self.keys.expand(*lead, *self.keys.shape[-2:]).gather(-2, tile[..., None].expand(*tile.shape, P))
        weights = self.weights.flatten(-3, -2).gather(-2, places.flatten(-2)[..., None].expand(*tile.shape, P))
        return tuple(x.unflatten(-2, places.shape[-2:]).flatten(-2) for x in (keys, weights))

    def take_rows(self, i: Tensor) -> Tensor:
        keys, weights = self._entries(i.to(self.places.device))
        return weights.new_zeros(*weights.shape[:-1], self.shape[1]).scatter_add(-1, keys, weights)

    def column_sums(self) -> Tensor:
        each = self.weights.sum(-2).flatten(-2)
        keys = self.keys.flatten(-2).expand(each.shape)
        return each.new_zeros(*each.shape[:-1], self.shape[1]).scatter_add(-1, keys, each)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        index, weights = self._entries(torch.arange(self.shape[0], device=self.places.device))
        return {"kind": "sparse", "index": index[at], "weights": weights[at], "size": self.shape[1]}
