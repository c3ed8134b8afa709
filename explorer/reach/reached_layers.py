"""Which patches a query reaches after one, two and three layers of a scheme, and what that costs.

Whether i reaches j follows from a scheme, not from a picture, so q and k are drawn at random, once.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
import torch
from torch import Tensor

import linviz
from linviz import Grid, cost, flow
from linviz.views.panel_options import read_panel

from ..shared.number_tables import three_digits
from .reach_schemes import LAYERS, ORDINALS, SCHEMES, scheme_specs

HEADS, WIDTH = 2, 64
COUNTED = (f"Counted while it runs: the multiplications and additions in the matrix products of an attention of "
           f"{HEADS} heads with {WIDTH} channels each, two per pair. The linear maps around it, which all schemes "
           "share, are left out.")


@dataclass(frozen=True, eq=False)
class ReachedLayers:
    """What a scheme reaches. levels (N,): in which layer a token is first reached, 0 for never; the query's own is 1.

    tokens  how many tokens after one, two, three layers
    flops   operations of each of these layers. Layers are counted from the output: the query asks in the first.
    """

    scheme: str
    specs: tuple[str, ...]
    levels: Tensor
    tokens: tuple[int, ...]
    flops: tuple[int, ...]

    @property
    def whole(self) -> int | None:
        """After how many layers the whole clip is reached; None: not in three."""
        return next((n + 1 for n, seen in enumerate(self.tokens) if seen == len(self.levels)), None)


def random_tokens(grid: Grid) -> Tensor:
    """q, k and v for a grid, (3, 1, HEADS, N, WIDTH), the same every time."""
    return torch.randn(3, 1, HEADS, len(grid), WIDTH, generator=torch.Generator().manual_seed(0))


@st.cache_resource(max_entries=64, show_spinner=False)
def attention_layer(spec: str, grid: Grid) -> tuple[Any, int]:
    """One attention as a function of its values, q and k being fixed, and the operations it takes."""
    spec, options = read_panel(spec)
    m = linviz.make(spec, HEADS, WIDTH, grid, **options)
    q, k, v = random_tokens(grid)
    with torch.no_grad():
        a = m.map(q, k, v)
    return (lambda values: a.apply(m.values(values))), cost.flops(m, q, k, v)


@st.cache_resource(max_entries=512, show_spinner=False)
def reached_layers(scheme: str, attention: str, side: int, grid: Grid, query: int) -> ReachedLayers:
    """Asked of `flow.reach`, layer by layer."""
    chosen = scheme_specs(scheme, attention, side)
    layers = [attention_layer(spec, grid) for spec in chosen]
    masks = flow.reach([run for run, _ in layers], query, len(grid), HEADS, WIDTH)
    unseen = torch.stack(masks).logical_not().sum(0)
    levels = (unseen + 1).where(unseen < LAYERS, 0).to(torch.uint8)
    return ReachedLayers(scheme, chosen, levels, tuple(int(mask.sum()) for mask in masks),
                   tuple(count for _, count in reversed(layers)))


# ------------------------------------------------------------------------------------------------ in words


def percent_of(seen: int, of: int) -> str:
    """A share in per cent; what is not all never reads 100.

    >>> percent_of(196, 1176), percent_of(1175, 1176), percent_of(4, 4)
    ('16.7\xa0%', '99.9\xa0%', '100\xa0%')
    """
    return f"{three_digits(min(100 * seen / of, 100 if seen == of else 99.9))}\N{NO-BREAK SPACE}%"


def scheme_verdict(found: ReachedLayers) -> str:
    """What a title says of a scheme."""
    if found.whole:
        return f"every patch in {ORDINALS[found.whole - 1]}"
    return f"{percent_of(found.tokens[-1], len(found.levels))} in {ORDINALS[-1]}"


def reach_heading(left: ReachedLayers, right: ReachedLayers) -> str:
    """The page's title: what to see."""
    one, other = (SCHEMES[found.scheme].called for found in (left, right))
    first = f"{one[0].upper()}{one[1:]} reaches {scheme_verdict(left)}"
    return first if one == other else f"{first}, {other} {scheme_verdict(right).rpartition(' ')[0]}"


def reach_alt(found: Sequence[ReachedLayers], picture: str) -> str:
    """What the frames show, for visitors who cannot see them."""
    said = [f"{SCHEMES[one.scheme].title}: " + ", ".join(
        f"{seen} of {len(one.levels)} patches in {layers}" for seen, layers in zip(one.tokens, ORDINALS))
        for one in found]
    return f"Frames of a clip with the patches marked that the query reaches. {'; '.join(said)}. {picture}"
