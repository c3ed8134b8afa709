"""Whom a query has heard of after one, two, three layers of a scheme, and what that costs: asked of linviz, kept.

Whether i hears of j follows from a scheme, not from a picture, so q and k are drawn at random, once.
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

from ..shared.tables import three
from .reach_schemes import LAYERS, ORDINALS, SCHEMES, specs

HEADS, WIDTH = 2, 64
COUNTED = (f"Counted while it runs: the multiplications and additions in the matrix products of an attention of "
           f"{HEADS} heads with {WIDTH} channels each, two a pair. The linear maps around it, which all schemes share, "
           "are left out.")


@dataclass(frozen=True, eq=False)
class Reached:
    """What a scheme reaches. levels (N,): in which layer a token is first heard of, 0 for never; the query's own is 1.

    tokens, flops  so many tokens after one, two, three layers, and the operations of each of those layers, counted
                   back from the output: the first number belongs to the layer in which the query asks.
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


@st.cache_resource(max_entries=64, show_spinner=False)
def layer(spec: str, grid: Grid) -> tuple[Any, int]:
    """One attention as a function of its values, q and k being fixed, and the operations it takes."""
    m = linviz.make(spec, HEADS, WIDTH, grid)
    draw = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, HEADS, len(grid), WIDTH, generator=draw)
    with torch.no_grad():
        a = m.map(q, k, v)
    return (lambda values: a.apply(m.values(values))), cost.flops(m, q, k, v)


@st.cache_resource(max_entries=512, show_spinner=False)
def reached(scheme: str, attention: str, side: int, grid: Grid, query: int) -> Reached:
    """Asked of `flow.reach`, layer by layer."""
    chosen = specs(scheme, attention, side)
    layers = [layer(spec, grid) for spec in chosen]
    masks = flow.reach([run for run, _ in layers], query, len(grid), HEADS, WIDTH)
    unseen = torch.stack(masks).logical_not().sum(0)
    levels = (unseen + 1).where(unseen < LAYERS, 0).to(torch.uint8)
    return Reached(scheme, chosen, levels, tuple(int(mask.sum()) for mask in masks),
                   tuple(count for _, count in reversed(layers)))


# ------------------------------------------------------------------------------------------------ in words


def share(seen: int, of: int) -> str:
    """A share in per cent; what is not all never reads 100.

    >>> share(196, 1176), share(1175, 1176), share(4, 4)
    ('16.7\xa0%', '99.9\xa0%', '100\xa0%')
    """
    return f"{three(min(100 * seen / of, 100 if seen == of else 99.9))}\N{NO-BREAK SPACE}%"


def amount(count: int) -> str:
    """A count of operations in thousands, millions or billions, three digits.

    >>> amount(88510464), amount(999), amount(0)
    ('88.5 million', '999', '0')
    """
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if count >= 0.9995 * size:
            return f"{three(float(f'{count / size:.3g}'))} {word}"
    return str(count)


def verdict(found: Reached) -> str:
    """What a title says of a scheme."""
    if found.whole:
        return f"all in {ORDINALS[found.whole - 1]}"
    return f"{share(found.tokens[-1], len(found.levels))} in {ORDINALS[-1]}"


def headline(left: Reached, right: Reached) -> str:
    """The page's title: what to see."""
    one, other = (SCHEMES[found.scheme].called for found in (left, right))
    first = f"{one[0].upper()}{one[1:]} hears {verdict(left)}"
    return first if one == other else f"{first}, {other} {verdict(right).rpartition(' ')[0]}"


def alt(found: Sequence[Reached], picture: str) -> str:
    """What the frames show, for who cannot see them."""
    said = [f"{SCHEMES[one.scheme].title}: " + ", ".join(
        f"{seen} of {len(one.levels)} patches in {layers}" for seen, layers in zip(one.tokens, ORDINALS))
        for one in found]
    return f"Frames of a clip with the patches marked that the query has heard of. {'; '.join(said)}. {picture}"
