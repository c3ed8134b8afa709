"""A map is the table of weights A of one attention: rows are queries, columns are keys, o = A v.

Every question about an attention is asked of its map. A map answers by its own cheapest honest road;
the slow, plain answers stand here and hold for all. Leading axes are free: (B, H), (B*boxes, H), ...
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

BLOCK = 1 << 20  # weights held at once when a map is walked through row by row


def lane(x: Tensor, c: int) -> Tensor:
    """Place c of the third axis from the end, or the only one: (..., C, N, M) -> (..., N, M)."""
    return x[..., c if x.shape[-3] > 1 else 0, :, :]


class Map:
    """What every map answers; a kind of map overrides what it can do better.

    shape       (N, S): queries, keys.
    rank_bound  no spectrum of this map has more non-zero singular values.
    stochastic  weights are shares: none negative, every row sums to one (up to the mechanism's eps).
    """

    shape: tuple[int, int]
    stochastic: bool = True
    rank_bound: int

    @property
    def dtype(self) -> torch.dtype:
        """The dtype the map was computed in: the tolerance of its rank follows from it."""
        raise NotImplementedError

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes, usually (B, H)."""
        return tuple(self.rows(torch.tensor([0])).shape[:-2])

    @property
    def shared(self) -> Map | None:
        """What all channels of v have in common: the map to draw and to measure. None: nothing (AFT)."""
        return self

    def channel(self, c: int) -> Map:
        """The map of channel c of v, counted within a head; the same for all unless the map is one a channel."""
        return self

    def nth(self, c: int) -> Map:
        """The map at place c of the last leading axis, where that axis is channels of v."""
        return Nth(self, c)

    def rows(self, i: Tensor) -> Tensor:
        """Weights of the queries i: (..., len(i), S)."""
        raise NotImplementedError

    def apply(self, v: Tensor) -> Tensor:
        """A v: (..., S, E) -> (..., N, E)."""
        return torch.cat([rows @ v for _, rows in self.walk()], -2)

    def walk(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every row once, in blocks of about a million weights: (numbers, rows)."""
        size = max(1, BLOCK // self.shape[1])
        for i in torch.arange(self.shape[0]).split(size):
            yield i, self.rows(i)

    def dense(self) -> Tensor:
        """The whole table (..., N, S). It grows with N S; ask for rows when they will do."""
        return self.rows(torch.arange(self.shape[0]))

    def centred(self) -> Map:
        """The map with its mean row taken off every row: what is left depends on the query."""
        return Centred(self)

    def column_sums(self) -> Tensor:
        """How much attention each key receives in all: (..., S)."""
        total: Tensor = sum(rows.sum(-2) for _, rows in self.walk())  # type: ignore[assignment]
        return total

    def singular_values(self, top: int | None = None) -> Tensor:
        """Singular values of A, descending, as float64: all min(N, S) of them, or the first `top`."""
        return torch.linalg.svdvals(self.dense().double())[..., :top]

    @property
    def tolerance(self) -> float:
        """Below this share of the largest, a singular value is rounding: max(N, S) eps of the dtype computed in."""
        return max(self.shape) * torch.finfo(self.dtype).eps

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        """What a browser needs to draw any row of batch and head `at`; a table of rows where nothing is shorter."""
        return {"kind": "rows", "rows": self.dense()[at]}


class Nth(Map):
    """One of the maps along the last leading axis, for a kind of map that cannot be cut there."""

    def __init__(self, inner: Map, c: int) -> None:
        self.inner, self.c, self.shape = inner, c, inner.shape
        self.stochastic, self.rank_bound = inner.stochastic, inner.rank_bound

    @property
    def dtype(self) -> torch.dtype:
        return self.inner.dtype

    def rows(self, i: Tensor) -> Tensor:
        return lane(self.inner.rows(i), self.c)


class Centred(Map):
    """A map without its mean row, for a kind of map that knows nothing shorter than the whole table."""

    def __init__(self, inner: Map) -> None:
        a = inner.dense()
        self.table, self.shape = a - a.mean(-2, keepdim=True), inner.shape
        self.stochastic, self.rank_bound = False, min(inner.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self.table.dtype

    def rows(self, i: Tensor) -> Tensor:
        return self.table[..., i, :]
