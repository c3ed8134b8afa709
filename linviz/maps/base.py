"""A map is the table of weights A of one attention: rows are queries, columns are keys, o = A v.

Every question about an attention is a method of its map. Each class answers in the cheapest exact way it
has; the slow, simple answers are defined here and hold for all classes. Leading axes are arbitrary: (B, H),
(B*boxes, H), ...
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

BLOCK_WEIGHTS = 1 << 20  # weights in memory at once when a map is processed row by row


def pick_channel(x: Tensor, c: int) -> Tensor:
    """Entry c of the third axis from the end, or its only entry: (..., C, N, M) -> (..., N, M)."""
    return x[..., c if x.shape[-3] > 1 else 0, :, :]


class Map:
    """The methods of every map; a subclass overrides those that it can compute more cheaply.

    shape       (N, S): queries, keys.
    rank_bound  an upper bound on the number of non-zero singular values.
    stochastic  rows are probability distributions: no negative weight, sum one (up to the mechanism's eps).
    """

    shape: tuple[int, int]
    stochastic: bool = True
    rank_bound: int

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which the map was computed; it determines the tolerance of the rank."""
        raise NotImplementedError

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes, usually (B, H)."""
        return tuple(self.rows(torch.tensor([0])).shape[:-2])

    @property
    def shared(self) -> Map | None:
        """The part that all channels of v share: the map to draw and to measure. None if there is none (AFT)."""
        return self

    def channel(self, c: int) -> Map:
        """The map of channel c of v, counted within a head; the same for all c unless each channel has its own map."""
        return self

    def nth(self, c: int) -> Map:
        """The map at index c of the last leading axis, if that axis holds the channels of v."""
        return ChannelMap(self, c)

    def rows(self, i: Tensor) -> Tensor:
        """Weights of the queries i: (..., len(i), S)."""
        raise NotImplementedError

    def apply(self, v: Tensor) -> Tensor:
        """A v: (..., S, E) -> (..., N, E)."""
        return torch.cat([rows @ v for _, rows in self.walk()], -2)

    def walk(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Iterate over all rows in blocks of about a million weights: (query numbers, rows)."""
        size = max(1, BLOCK_WEIGHTS // self.shape[1])
        for i in torch.arange(self.shape[0]).split(size):
            yield i, self.rows(i)

    def dense(self) -> Tensor:
        """The whole table (..., N, S). Its size grows with N S; use `rows` if a few rows are enough."""
        return self.rows(torch.arange(self.shape[0]))

    def centred(self) -> Map:
        """The map minus its mean row: the part that depends on the query."""
        return Centred(self)

    def column_sums(self) -> Tensor:
        """The total attention that each key receives: (..., S)."""
        total: Tensor = sum(rows.sum(-2) for _, rows in self.walk())  # type: ignore[assignment]
        return total

    def singular_values(self, top: int | None = None) -> Tensor:
        """Singular values of A in descending order, as float64: all min(N, S) of them, or the first `top`."""
        return torch.linalg.svdvals(self.dense().double())[..., :top]

    @property
    def tolerance(self) -> float:
        """Singular values below this fraction of the largest are rounding: max(N, S) eps of the map's dtype."""
        return max(self.shape) * torch.finfo(self.dtype).eps

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        """The data from which a browser draws any row of batch and head `at`; by default the table itself."""
        return {"kind": "rows", "rows": self.dense()[at]}


class ChannelMap(Map):
    """One of the maps along the last leading axis, for a class of map that cannot be sliced there."""

    def __init__(self, inner: Map, c: int) -> None:
        self.inner, self.c, self.shape = inner, c, inner.shape
        self.stochastic, self.rank_bound = inner.stochastic, inner.rank_bound

    @property
    def dtype(self) -> torch.dtype:
        return self.inner.dtype

    def rows(self, i: Tensor) -> Tensor:
        return pick_channel(self.inner.rows(i), self.c)


class Centred(Map):
    """A map minus its mean row, for a class of map that has nothing shorter than the whole table."""

    def __init__(self, inner: Map) -> None:
        a = inner.dense()
        self.table, self.shape = a - a.mean(-2, keepdim=True), inner.shape
        self.stochastic, self.rank_bound = False, min(inner.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.table.dtype

    def rows(self, i: Tensor) -> Tensor:
        return self.table[..., i, :]
