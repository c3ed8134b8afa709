"""Measures of one map over one picture: of the row of a query, their means over all rows, and their names."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..clips.fitting import PATCH
from ..grid import Grid
from ..maps import Map
from ..measure import MEASURES
from ..reading import ROW_MEASURES, Reading
from ..row_block import DEAD_ROW_SUM
from ..signed_rows import SIGNED_MEASURES

SIGNED = "signed: its rows are not probability distributions"
UNNORMALISED = "its rows do not sum to one: they are not probability distributions"
EMPTY = "dead: this patch gives weight to no other"
NOWHERE = "none: this token has no position in the picture, or gives weight only to tokens without one"
PLACED = ("distance", "frame_distance")  # measures that need to know where the query lies
MeasureOptions = dict[str, Any]  # by measure: the further arguments of its function


def measure_options(grid: Grid, mask: Tensor | None = None) -> MeasureOptions:
    """The row measures that need to know where tokens lie, with what they need; `mask`: the object's share of each.

    >>> list(measure_options(Grid(T=2, Y=3, X=3)))
    ['distance', 'frame_distance']
    """
    found: MeasureOptions = {"distance": {"patch": PATCH}}
    if grid.T > 1:
        found["frame_distance"] = {}
    if mask is not None:
        found |= {"mass": {"mask": mask}, "lift": {"mask": mask}}
    return found


def query_row(a: Map, query: int) -> Tensor:
    """The row of weights of a query, (S,), of the first batch and head."""
    return a.rows(torch.tensor([query]))[0, 0, 0]


@torch.no_grad()
def row_statistics(a: Map, query: int, grid: Grid, mask: Tensor | None = None) -> tuple[dict[str, float], str]:
    """The measures of one row; or none and the reason, where the row is signed, unnormalised or empty.

    Where keys lie on another grid than queries, measures of their places are left out.
    A token without a position (CLS, a register) has no distances: they are left out, see `why_missing`.

    >>> from linviz.maps import Dense
    >>> found, why = row_statistics(Dense(torch.full((1, 1, 4, 4), 0.25)), 0, Grid(Y=2, X=2))
    >>> found["entropy"], why, row_statistics(Dense(-torch.ones(1, 1, 1, 1), stochastic=False), 0, Grid())[1]
    (2.0, '', 'signed: its rows are not probability distributions')
    """
    row = query_row(a, query)
    if not a.stochastic:
        return {}, SIGNED if row.min() < 0 else UNNORMALISED
    if row.sum() < DEAD_ROW_SUM:
        return {}, EMPTY
    options, found = measure_options(grid, mask) if a.shape[1] == len(grid) else {}, {}
    for name in (*ROW_MEASURES, *options):
        placed = {"grid": grid, "queries": torch.tensor([query])} if name in PLACED else {}
        value = MEASURES[name].function(row[None], **placed, **options.get(name, {})).item()
        if value == value:
            found[name] = value
    return found, ""


@torch.no_grad()
def signed_statistics(a: Map, query: int) -> dict[str, float]:
    """What is measured of a row that is no probability distribution; empty for maps whose rows are.

    >>> from linviz.maps import Dense
    >>> signed_statistics(Dense(torch.tensor([[[[0.5, -0.25]]]]), stochastic=False), 0)
    {'negative_share': 0.5, 'negative_sum': -0.25, 'largest_weight': 1.0}
    """
    if a.stochastic:
        return {}
    row = query_row(a, query)
    return {name: MEASURES[name].function(row).item() for name in SIGNED_MEASURES}


def table_measures(maps: Iterable[Map], options: MeasureOptions,
                   rows: tuple[str, ...] = ROW_MEASURES) -> tuple[str, ...]:
    """The measures that a table of these maps has, in order: signed maps have their own, after all others."""
    signed = any(not a.stochastic for a in maps)
    return (*rows, *options, *(SIGNED_MEASURES if signed else ()))


def why_missing(name: str, found: Mapping[str, float]) -> str:
    """Why a measure is not among those of a row that has others; empty if it is there or the row has none.

    >>> why_missing("distance", {"entropy": 2.0})[:4], why_missing("entropy", {"entropy": 2.0})
    ('none', '')
    """
    return NOWHERE if found and name in PLACED and name not in found else ""


@torch.no_grad()
def mean_statistics(reading: Reading, options: MeasureOptions,
                    report: Callable[[int, int], Any] | None = None) -> dict[str, float] | None:
    """The means of every measure over all rows, and how many rows are dead; without the spectrum.

    report  is called with the number of rows that are done and of all rows; where it answers False, the result is no
    longer wanted: None.
    """
    names = (*ROW_MEASURES, *options) if reading.map.stochastic else SIGNED_MEASURES
    if not reading.measure({name: options.get(name, {}) for name in names}, report):
        return None
    return reading.summary(spectrum=False, **options)


# ------------------------------------------------------------------------------------------------ names


def measure_label(name: str) -> tuple[str, str]:
    """What a row measure is called, and its unit.

    >>> measure_label("top_share"), measure_label("support")
    (('share of the top 10', 'of 1'), ('smallest support of 90 %', 'tokens'))
    """
    title = MEASURES[name].title.replace("top k", "top 10").replace("support", "support of 90 %")
    return title, MEASURES[name].unit


def distinct_titles(titles: Sequence[str], specs: Sequence[str]) -> list[str]:
    """What to call each of several maps: its title, or its spec where two would have the same title.

    >>> distinct_titles(["a", "b", "a"], ["a:1", "b", "a:2"])
    ['a:1', 'b', 'a:2']
    """
    return [spec if titles.count(title) > 1 else title for title, spec in zip(titles, specs)]
