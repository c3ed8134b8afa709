"""A map with a few weights per row: windows around a token, hashes, edges of a graph.

    A_ij = sum of the weights p of row i whose index is j

Weights with the same index add up. An index outside the grid must have weight zero.
"""
from __future__ import annotations

from typing import Any

from torch import Tensor

from .base import Map
from .leading_axes import expanded_shape, pick_channel


class Sparse(Map):
    """Row i has the weight weights[..., i, p] on key index[..., i, p]; `keys` is S, the number of keys.

    >>> import torch
    >>> a = Sparse(torch.tensor([[0, 1], [1, 1]]), torch.full((2, 2), 0.5), keys=3)
    >>> a.dense().tolist()
    [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]
    """

    def __init__(self, index: Tensor, weights: Tensor, keys: int, stochastic: bool = True) -> None:
        shape = expanded_shape(index.shape, weights.shape)
        self.index, self.weights = index.expand(shape), weights.expand(shape)
        self.keys, self.stochastic = keys, stochastic
        self.shape = (shape[-2], keys)
        self.rank_bound = min(self.shape)

    @property
    def like(self) -> Tensor:
        return self.weights

    def apply(self, v: Tensor) -> Tensor:
        lead = expanded_shape(self.index.shape[:-2], v.shape[:-2])
        index = self.index.expand(*lead, *self.index.shape[-2:])
        flat = index.flatten(-2)[..., None].expand(*lead, -1, v.shape[-1])
        seen = v.expand(*lead, *v.shape[-2:]).gather(-2, flat).unflatten(-2, index.shape[-2:])  # (..., N, P, E)
        return (self.weights.unsqueeze(-1) * seen).sum(-2)

    def take_rows(self, i: Tensor) -> Tensor:
        index, w = self.index[..., i, :], self.weights[..., i, :]
        return w.new_zeros(*index.shape[:-1], self.keys).scatter_add(-1, index, w)

    def nth(self, c: int) -> Sparse:
        return Sparse(pick_channel(self.index, c), pick_channel(self.weights, c), self.keys, self.stochastic)

    def column_sums(self) -> Tensor:
        flat = self.weights.flatten(-2)
        return flat.new_zeros(*flat.shape[:-1], self.keys).scatter_add(-1, self.index.flatten(-2), flat)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        return {"kind": "sparse", "index": self.index[at], "weights": self.weights[at], "size": self.keys}
