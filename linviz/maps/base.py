"""A map is the table of weights A of one attention: rows are queries, columns are keys, o = A v.

Every question about an attention is a method of its map. Each class answers in the cheapest exact way it
has; the slow, simple answers are defined here and hold for all classes. Leading axes are arbitrary: (B, H),
(B*boxes, H), ...
"""
from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .leading_axes import pick_channel
from .leading_values import LeadingValues
from .row_numbers import Numbers, is_one_number, row_numbers
from .spectrum_roads import TOP, gram_spectra, has_gram_spectrum, leading_table_values, table_values
from .table_calls import TableCalls

BLOCK_WEIGHTS = 1 << 20  # weights in memory at once when a map is processed row by row


class Map(TableCalls):
    """The methods of every map; a subclass defines `take_rows` and overrides what it can compute more cheaply.

    shape       (N, S): queries, keys.
    rank_bound  an upper bound on the number of non-zero singular values.
    stochastic  rows are probability distributions: no negative weight, sum one (up to the mechanism's eps).

    A map behaves like its table: a @ v, a[5] (the row of query 5), a[5, 7] (its weight on key 7), a.rows([5, 7]),
    len(a), np.asarray(a). The leading axes, usually (B, H), always stay.

    >>> from linviz import Grid, make
    >>> x = torch.rand(1, 2, 9, 4)
    >>> a = make("softmax", heads=2, width=4, grid=Grid(Y=3, X=3)).map(x, x, x)
    >>> a
    <map Scores: 9 queries x 9 keys, rank at most 9, rows are probability distributions, float32>
    >>> a[5].shape, a[5, 7].shape, (a @ x).shape
    (torch.Size([1, 2, 9]), torch.Size([1, 2]), torch.Size([1, 2, 9, 4]))
    """

    shape: tuple[int, int]
    stochastic: bool = True
    rank_bound: int

    @property
    def like(self) -> Tensor:
        """A tensor of the map's dtype, on its device; by default its first row."""
        return self.take_rows(torch.tensor([0]))

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which the map was computed; it determines the tolerance of the rank."""
        return self.like.dtype

    @property
    def device(self) -> torch.device:
        """Where the numbers of the map lie."""
        return self.like.device

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes, usually (B, H)."""
        return tuple(self.take_rows(torch.zeros(1, dtype=torch.int64, device=self.device)).shape[:-2])

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

    def take_rows(self, i: Tensor) -> Tensor:
        """Weights of the queries i (n,), int64 within 0..N-1, on the map's device: (..., n, S).

        Every class of map defines this.
        """
        raise NotImplementedError

    def rows(self, i: Numbers) -> Tensor:
        """Weights of the queries i: (..., n, S). i is a number, a list, a slice, or numbers as an array or a tensor.

        IndexError, in one sentence, for a query that the map does not have.

        >>> from linviz.maps import Dense
        >>> Dense(torch.eye(3)).rows([2, 0]).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
        """
        return self.take_rows(row_numbers(i, self.shape[0], self.device))

    def __getitem__(self, at: Any) -> Tensor:
        """Row a[i] or weight a[i, j], with the leading axes before it; a slice or a list keeps its axis."""
        i, j = at if isinstance(at, tuple) and len(at) == 2 else (at, slice(None))
        if isinstance(i, tuple):
            raise IndexError(f"a map has queries and keys, a[i] or a[i, j]; got {len(i)} numbers")
        keys = row_numbers(j, self.shape[1], self.device, "key")
        parts = row_numbers(i, self.shape[0], self.device).split(max(1, BLOCK_WEIGHTS // self.shape[1]))
        found = torch.cat([self.take_rows(part)[..., keys] for part in parts], -2)
        found = found[..., 0] if is_one_number(j) else found
        return found.select(-1 if is_one_number(j) else -2, 0) if is_one_number(i) else found

    def __len__(self) -> int:
        return self.shape[0]

    def __matmul__(self, v: Any) -> Tensor:
        """A v for v (..., S, E), or (S,) for one channel; an array of numpy and another dtype are converted."""
        if not isinstance(v, Tensor | np.ndarray):
            raise TypeError(f"a @ v mixes the values in a tensor or an array of numpy; got {v!r:.40}")
        v = v.copy() if isinstance(v, np.ndarray) else v  # torch takes no array that is reversed
        x = torch.as_tensor(v, dtype=self.dtype, device=self.device)
        column = x[:, None] if x.ndim == 1 else x
        if column.ndim < 2 or column.shape[-2] != self.shape[1]:
            raise ValueError(f"a @ v needs one row of v per key, (..., {self.shape[1]}, E); got v {tuple(x.shape)}")
        lead = self.lead
        if column.ndim < len(lead) + 2:
            column = column.expand(*lead, *column.shape[-2:])
        out = self.apply(column)
        return out[..., 0] if x.ndim == 1 else out

    def __repr__(self) -> str:
        what = ("rows are probability distributions" if self.stochastic else
                "signed, or rows that do not sum to one")
        return (f"<map {type(self).__name__}: {self.shape[0]} queries x {self.shape[1]} keys, rank at most "
                f"{self.rank_bound}, {what}, {str(self.dtype).removeprefix('torch.')}>")

    def apply(self, v: Tensor) -> Tensor:
        """A v: (..., S, E) -> (..., N, E)."""
        return torch.cat([rows @ v for _, rows in self.walk()], -2)

    def walk(self, weights: int = BLOCK_WEIGHTS) -> Iterator[tuple[Tensor, Tensor]]:
        """Iterate over all rows in blocks of about so many weights: (query numbers, rows)."""
        size = max(1, weights // (self.shape[1] * max(1, math.prod(self.lead))))
        for i in torch.arange(self.shape[0], device=self.device).split(size):
            yield i, self.take_rows(i)

    def single_heads(self) -> list[Map]:
        """The map of every index of the leading axes, in order, where that is a mere view; else only this map.

        Whoever measures every row takes them one by one: their products are larger for the same memory.
        """
        return [self]

    def dense(self) -> Tensor:
        """The whole table (..., N, S). Its size grows with N S; use `rows` if a few rows are enough."""
        return self.take_rows(torch.arange(self.shape[0], device=self.device))

    def centred(self) -> Map:
        """The map minus its mean row: the part that depends on the query."""
        return Centred(self)

    def column_sums(self) -> Tensor:
        """The total attention that each key receives: (..., S)."""
        total: Tensor = sum(rows.sum(-2) for _, rows in self.walk())  # type: ignore[assignment]
        return total

    def singular_values(self, top: int | None = None) -> Tensor:
        """Singular values of A in descending order, as float64: all min(N, S) of them, or the first `top`.

        A class with factors takes them from a small table, without those that are exactly zero; a class with boxes
        takes them box by box. Otherwise they come from the whole table, at a cost of N^3; large maps that need no
        gradient take the roads of `spectrum_roads`, which never hold the table in float64.
        """
        return table_values(self, top)

    def leading_values(self, top: int = TOP) -> LeadingValues:
        """The first `top` singular values with a bound on each error, in a few walks over the rows.

        Unlike `singular_values`, never from the whole of a large table: what a flat spectrum leaves open is in the
        bounds, and the values are then estimates. ValueError for more values than the map has.

        >>> from linviz.maps import Dense
        >>> Dense(torch.eye(3)).leading_values(2).method
        'exact, error at most 7e-16'
        """
        if type(self).singular_values is Map.singular_values:
            return leading_table_values(self, top)
        return LeadingValues.exact(self.singular_values(), top, self.tolerance)

    def spectra(self) -> tuple[Tensor, Tensor]:
        """`singular_values` of the map and of `centred`; of a large map, both from one product."""
        plain = type(self).singular_values is Map.singular_values and type(self).centred is Map.centred
        if plain and has_gram_spectrum(self):
            return gram_spectra(self.walk)
        return self.singular_values(), self.centred().singular_values()

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
    def like(self) -> Tensor:
        return self.inner.like

    def take_rows(self, i: Tensor) -> Tensor:
        return pick_channel(self.inner.take_rows(i), self.c)


class Centred(Map):
    """A map minus its mean row, for a class of map that has nothing shorter than the whole table."""

    def __init__(self, inner: Map) -> None:
        a = inner.dense()
        self.table, self.shape = a - a.mean(-2, keepdim=True), inner.shape
        self.stochastic, self.rank_bound = False, min(inner.shape)

    @property
    def like(self) -> Tensor:
        return self.table

    def take_rows(self, i: Tensor) -> Tensor:
        return self.table[..., i, :]
