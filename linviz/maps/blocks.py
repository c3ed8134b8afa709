"""The map of a scope: boxes of tokens, each box with its own map, and no weights between boxes.

A query in several boxes (a prefix token) gets the mean of its rows. If no key lies in two boxes, the table is
block-diagonal up to the order of the tokens, so its spectrum is the union of the spectra of the boxes.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .base import Map
from .row_gathering import gather_rows

Part = tuple[Tensor, Tensor, Map]  # queries (boxes, L), keys (boxes, S), their map with leading axes (B*boxes, H)


def gather_tokens(x: Tensor, index: Tensor) -> Tensor:
    """The tokens of every box: x (B, H, N, D), index (boxes, L) -> (B*boxes, H, L, D)."""
    return gather_rows(x, index).movedim(-3, 1).flatten(0, 1)


class Blocks(Map):
    """Boxes of equal shape share one inner map over (B*boxes, H); `parts` has one entry per shape."""

    def __init__(self, parts: list[Part], shape: tuple[int, int]) -> None:
        self.parts, self.shape = parts, shape
        self.stochastic = all(inner.stochastic for _, _, inner in parts)
        self.rank_bound = min(*shape, sum(len(q) * inner.rank_bound for q, _, inner in parts))
        queries = torch.cat([q.flatten() for q, _, _ in parts])
        self.turns = torch.zeros_like(queries[:1]).expand(shape[0]).index_add(0, queries, torch.ones_like(queries))

    @property
    def like(self) -> Tensor:
        return self.parts[0][2].like

    @property
    def disjoint(self) -> bool:
        """Whether no key lies in two boxes."""
        keys = torch.cat([k.flatten() for _, k, _ in self.parts])
        return len(keys) == len(keys.unique())

    @property
    def tolerance(self) -> float:
        return max(inner.tolerance for _, _, inner in self.parts)

    @property
    def shared(self) -> Blocks | None:
        parts = [(q, k, shared) for q, k, inner in self.parts if (shared := inner.shared) is not None]
        return Blocks(parts, self.shape) if len(parts) == len(self.parts) else None

    def channel(self, c: int) -> Blocks:
        return Blocks([(q, k, inner.channel(c)) for q, k, inner in self.parts], self.shape)

    def apply(self, v: Tensor) -> Tensor:
        out: Tensor | None = None
        for q, k, inner in self.parts:
            o = inner.apply(gather_tokens(v, k)).unflatten(0, (-1, len(q))).movedim(1, -3)  # (B, H, boxes, L, E)
            out = o.new_zeros(*o.shape[:-3], self.shape[0], o.shape[-1]) if out is None else out
            out = out.index_add(-2, q.flatten(), o.flatten(-3, -2))
        assert out is not None
        return out / self.turns[:, None]

    def dense(self) -> Tensor:
        out: Tensor | None = None
        for q, k, inner in self.parts:
            a = inner.dense().unflatten(0, (-1, len(q))).movedim(1, -3)  # (B, H, boxes, L, S)
            out = a.new_zeros(*a.shape[:-3], self.shape[0] * self.shape[1]) if out is None else out
            flat = (q[:, :, None] * self.shape[1] + k[:, None, :]).flatten()
            out = out.index_add(-1, flat, a.flatten(-3))
        assert out is not None
        return out.unflatten(-1, self.shape) / self.turns[:, None]

    def take_rows(self, i: Tensor) -> Tensor:
        """Every box in which one of the queries lies is asked once, for all places that are asked for in any box."""
        if i.is_meta or not len(i):  # no numbers to look for, only shapes
            return self.dense()[..., i, :]
        numbers, back = i.unique(return_inverse=True)
        line = torch.full((self.shape[0],), -1, device=i.device).index_copy(
            0, numbers, torch.arange(len(numbers), device=i.device))  # where in the result a query's row stands
        out: Tensor | None = None
        for q, k, inner in self.parts:
            to = line[q]  # (boxes, L), -1: not asked for
            boxes, places = (to >= 0).any(1).nonzero().squeeze(1), (to >= 0).any(0).nonzero().squeeze(1)
            if not len(boxes):
                continue
            a = inner.rows(places).unflatten(0, (-1, len(q))).movedim(1, -3)[..., boxes, :, :]  # (B, H, hit, places, S)
            out = a.new_zeros(*a.shape[:-3], len(numbers) * self.shape[1]) if out is None else out
            to = to[boxes][:, places]
            asked, flat = to >= 0, (to[:, :, None] * self.shape[1] + k[boxes][:, None, :])
            out = out.index_add(-1, flat[asked].flatten(), a[..., asked, :].flatten(-2))
        assert out is not None
        return (out.unflatten(-1, (-1, self.shape[1])) / self.turns[numbers, None])[..., back, :]

    def column_sums(self) -> Tensor:
        if self.turns.is_meta:
            return self.dense().sum(-2)
        out: Tensor | None = None
        for q, k, inner in self.parts:
            share = (1 / self.turns)[q].to(self.dtype)  # (boxes, L): of a query's row in one box
            if bool((self.turns == 1).all()):
                each = inner.column_sums().unflatten(0, (-1, len(q))).movedim(1, -2)  # (B, H, boxes, S)
            else:
                a = inner.dense().unflatten(0, (-1, len(q))).movedim(1, -3)
                each = (share.unsqueeze(-2) @ a).squeeze(-2)
            out = each.new_zeros(*each.shape[:-2], self.shape[1]) if out is None else out
            out = out.index_add(-1, k.flatten(), each.flatten(-2))
        assert out is not None
        return out

    def singular_values(self, top: int | None = None) -> Tensor:
        if not self.disjoint:
            return super().singular_values(top)
        each = [inner.singular_values().unflatten(0, (-1, len(q))).movedim(1, -2) for q, _, inner in self.parts]
        return torch.cat([s.flatten(-2) for s in each], -1).sort(-1, descending=True).values[..., :top]

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        """As for every map. Nested boxes ask for a slice of the batch, which is then the leading axis of the arrays."""
        b, h = at
        run = b if isinstance(b, slice) else slice(b, b + 1)
        parts = []
        for q, k, inner in self.parts:
            sent = inner.wire((slice(run.start * len(q), run.stop * len(q)), h))
            parts.append({"queries": q, "keys": k, "wire": _split_leading_axis(sent, len(q)) if run is b else sent})
        return {"kind": "blocks", "parts": parts, "size": self.shape[1]}


def _split_leading_axis(wire: Any, boxes: int) -> Any:
    """Split the leading axis (runs * boxes) of all arrays of a wire into (runs, boxes); the rest stays."""
    if isinstance(wire, Tensor):
        return wire.unflatten(0, (-1, boxes))
    if isinstance(wire, dict):
        return {name: x if name in ("queries", "keys") else _split_leading_axis(x, boxes) for name, x in wire.items()}
    return [_split_leading_axis(x, boxes) for x in wire] if isinstance(wire, list) else wire
