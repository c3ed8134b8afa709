"""Maps made of maps: side by side (ByHead, ByChannel), averaged (HeadMean), added (Sum), in sequence (Product)."""
from __future__ import annotations

from bisect import bisect_right
from functools import reduce
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from .base import Map
from .leading_axes import expanded_shape


class SideBySide(Map):
    """Different maps for different parts of v, cut along `axis`: parts are pairs (how many entries, map), in order."""

    axis: int

    def __init__(self, *parts: tuple[int, Map]) -> None:
        self.parts, self.shape = [(n, m) for n, m in parts if n], parts[0][1].shape
        self.stochastic = all(m.stochastic for _, m in self.parts)
        self.rank_bound = max(m.rank_bound for _, m in self.parts)

    @property
    def like(self) -> Tensor:
        return self.parts[0][1].like

    @property
    def tolerance(self) -> float:
        return max(m.tolerance for _, m in self.parts)

    def apply(self, v: Tensor) -> Tensor:
        each = v.split([n for n, _ in self.parts], self.axis)
        return torch.cat([m.apply(x) for (_, m), x in zip(self.parts, each, strict=True)], self.axis)


class ByHead(SideBySide):
    """Different maps for different heads: parts are pairs (number of heads, map), in order."""

    axis = 1

    def take_rows(self, i: Tensor) -> Tensor:
        return torch.cat([m.take_rows(i) for _, m in self.parts], 1)

    def column_sums(self) -> Tensor:
        return torch.cat([m.column_sums() for _, m in self.parts], 1)

    def singular_values(self, top: int | None = None) -> Tensor:
        """As many per head as in the longest spectrum; shorter spectra are padded with zeros, their true values."""
        each = [m.singular_values(top) for _, m in self.parts]
        longest = max(s.shape[-1] for s in each)
        return torch.cat([pad(s, (0, longest - s.shape[-1])) for s in each], 1)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        b, h = at
        for n, m in self.parts:
            if h < n:
                return m.wire((b, h))
            h -= n
        raise IndexError(f"head {at[1]} is outside the range of {sum(n for n, _ in self.parts)} heads")


class HeadMean(Map):
    """The mean of the maps of all heads, as a map of one head: (B, H) become (B, 1).

    >>> from linviz.maps import Dense
    >>> HeadMean(Dense(torch.stack([torch.eye(2), torch.eye(2).flip(0)])[None])).dense().tolist()
    [[[[0.5, 0.5], [0.5, 0.5]]]]
    """

    def __init__(self, inner: Map) -> None:
        self.inner, self.shape, self.stochastic = inner, inner.shape, inner.stochastic
        self.rank_bound = min(*inner.shape, inner.lead[1] * inner.rank_bound)

    @property
    def like(self) -> Tensor:
        return self.inner.like

    @property
    def tolerance(self) -> float:
        return max(super().tolerance, self.inner.tolerance)

    def take_rows(self, i: Tensor) -> Tensor:
        return self.inner.take_rows(i).mean(1, keepdim=True)

    def column_sums(self) -> Tensor:
        return self.inner.column_sums().mean(1, keepdim=True)


class Sum(Map):
    """A = A_1 + A_2 + ...: several maps added. `stochastic`: their rows sum to one together."""

    def __init__(self, *parts: Map, stochastic: bool = False) -> None:
        self.parts, self.shape, self.stochastic = parts, parts[0].shape, stochastic
        self.rank_bound = min(*self.shape, sum(m.rank_bound for m in parts))

    @property
    def like(self) -> Tensor:
        return self.parts[0].like

    @property
    def shared(self) -> Map | None:
        parts = [m.shared for m in self.parts if m.shared is not None]
        if len(parts) == len(self.parts) and all(one is m for one, m in zip(parts, self.parts, strict=True)):
            return self
        return Sum(*parts) if len(parts) > 1 else parts[0] if parts else None

    def channel(self, c: int) -> Map:
        return Sum(*(m.channel(c) for m in self.parts), stochastic=self.stochastic)

    def apply(self, v: Tensor) -> Tensor:
        return reduce(torch.add, (m.apply(v) for m in self.parts))

    def take_rows(self, i: Tensor) -> Tensor:
        return reduce(torch.add, (m.take_rows(i) for m in self.parts))

    def column_sums(self) -> Tensor:
        return reduce(torch.add, (m.column_sums() for m in self.parts))

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        return {"kind": "sum", "parts": [m.wire(at) for m in self.parts]}


class Product(Map):
    """A = first second, a matrix product: `second` mixes the values, then `first` mixes the results."""

    def __init__(self, first: Map, second: Map) -> None:
        if first.shape[1] != second.shape[0]:
            raise ValueError("the number of keys of the first map must be the number of queries of the second; "
                             f"got shapes {first.shape} and {second.shape}")
        self.first, self.second, self.shape = first, second, (first.shape[0], second.shape[1])
        self.stochastic = first.stochastic and second.stochastic
        self.rank_bound = min(first.rank_bound, second.rank_bound)

    @property
    def like(self) -> Tensor:
        return self.first.like

    @property
    def lead(self) -> tuple[int, ...]:
        return expanded_shape(self.first.lead, self.second.lead)

    def apply(self, v: Tensor) -> Tensor:
        return self.first.apply(self.second.apply(v))

    def take_rows(self, i: Tensor) -> Tensor:
        return self.first.take_rows(i) @ self.second.dense()


class ChannelMaps(Map):
    """Maps that differ by channel of v; `channel(c)` returns the map of channel c.

    There is no single table to draw, so rows, spectrum and wire raise ValueError until a channel is chosen.
    """

    @property
    def shared(self) -> None:
        return None

    def take_rows(self, i: Tensor) -> Tensor:
        raise ValueError("this map differs by channel of v; use map.channel(c), with c counted within a head")


class PerChannel(ChannelMaps):
    """One map per channel of v: `inner` has the leading axes (B, H, E)."""

    def __init__(self, inner: Map) -> None:
        self.inner, self.shape, self.stochastic = inner, inner.shape, inner.stochastic
        self.rank_bound = inner.rank_bound

    @property
    def like(self) -> Tensor:
        return self.inner.like

    @property
    def lead(self) -> tuple[int, ...]:
        return self.inner.lead[:-1]

    def channel(self, c: int) -> Map:
        return self.inner.nth(c)

    def apply(self, v: Tensor) -> Tensor:
        return self.inner.apply(v.mT.unsqueeze(-1)).squeeze(-1).mT  # (B, H, E, S, 1) and back


class ByChannel(ChannelMaps, SideBySide):
    """Different maps for different channels of v: parts are pairs (number of channels, map), in order."""

    axis = -1

    @property
    def lead(self) -> tuple[int, ...]:
        return self.parts[0][1].lead

    def channel(self, c: int) -> Map:
        ends = list(accumulate(n for n, _ in self.parts))
        return self.parts[bisect_right(ends, range(ends[-1])[c])][1]
