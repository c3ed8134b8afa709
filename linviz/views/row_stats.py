"""What is said of one map over one picture: the measures of the row that a patch asks, their means, and their names."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..clips.fitting import PATCH
from ..concentration import DEAD
from ..grid import Grid
from ..maps import Map
from ..measure import MEASURES
from ..mechanisms import Attention, parse
from ..reading import OF_ROWS, Reading, read

SIGNED, EMPTY = "signed: its rows are no shares", "dead: this patch gives weight to none"
UNEQUAL = "its rows do not sum to one: they are no shares"
Places = dict[str, Any]  # by measure: what its function is given besides


def places(grid: Grid, mask: Tensor | None = None) -> Places:
    """The row measures that need to know where tokens lie, with what they need; `mask`: the object's share of each.

    >>> list(places(Grid(T=2, Y=3, X=3)))
    ['distance', 'frame_distance']
    """
    seen: Places = {"distance": {"patch": PATCH}}
    if grid.T > 1:
        seen["frame_distance"] = {}
    if mask is not None:
        seen |= {"mass": {"mask": mask}, "lift": {"mask": mask}}
    return seen


def row_of(a: Map, query: int) -> Tensor:
    """The row of weights that a query asks, (S,), of the first batch and head."""
    return a.rows(torch.tensor([query]))[0, 0, 0]


@torch.no_grad()
def of_row(a: Map, query: int, grid: Grid, mask: Tensor | None = None) -> tuple[dict[str, float], str]:
    """The measures of one row, and why there are none: a row that is signed, unequal or empty holds no shares.

    >>> from linviz.maps import Dense
    >>> found, why = of_row(Dense(torch.full((1, 1, 4, 4), 0.25)), 0, Grid(Y=2, X=2))
    >>> found["entropy"], why, of_row(Dense(-torch.ones(1, 1, 1, 1), stochastic=False), 0, Grid())[1]
    (2.0, '', 'signed: its rows are no shares')
    """
    row = row_of(a, query)
    if not a.stochastic:
        return {}, SIGNED if row.min() < 0 else UNEQUAL
    if row.sum() < DEAD:
        return {}, EMPTY
    told, out = places(grid, mask), {}
    for name in (*OF_ROWS, *told):
        seated = {"grid": grid, "queries": torch.tensor([query])} if name in ("distance", "frame_distance") else {}
        out[name] = MEASURES[name].function(row[None], **seated, **told.get(name, {})).item()
    return out, ""


@torch.no_grad()
def of_all(reading: Reading, told: Places, report: Callable[[int, int], Any] | None = None) -> dict[str, float] | None:
    """The means over all rows of every measure, and how many rows are dead; without the spectrum.

    report  is told how many measures are done of how many; where it answers False, nobody waits any more: None.
    """
    every = (*OF_ROWS, *told) if reading.map.stochastic else ()
    for n, name in enumerate(every):  # one by one, to be able to stop; the reading keeps them for its summary
        if report is not None and report(n, len(every)) is False:
            return None
        reading.rows(name, **told.get(name, {}))
    return reading.summary(spectrum=False, **told)


# ------------------------------------------------------------------------------------------------ names


def named(name: str) -> tuple[str, str]:
    """What a row measure is called, and its unit.

    >>> named("top_share"), named("support")
    (('share of the top 10', 'of 1'), ('smallest support of 90 %', 'tokens'))
    """
    title = MEASURES[name].title.replace("top k", "top 10").replace("support", "support of 90 %")
    return title, MEASURES[name].unit


def told_apart(titles: Sequence[str], specs: Sequence[str]) -> list[str]:
    """What to call each of several maps: its title, or its spec where two would have one title.

    >>> told_apart(["a", "b", "a"], ["a:1", "b", "a:2"])
    ['a:1', 'b', 'a:2']
    """
    return [spec if titles.count(title) > 1 else title for title, spec in zip(titles, specs)]


def heading(specs: tuple[str, ...], causal: bool) -> str:
    """What to see.

    >>> heading(("relu_floor", "relu_floor+gate"), False)
    'The floor is fog; the gate gathers it'
    """
    if causal:
        return "Each patch sees what came before it, and nothing after"
    gated, floor = any("+gate" in s for s in specs), any(s.startswith("relu_floor") and "+gate" not in s for s in specs)
    return ("The floor is fog; the gate gathers it" if gated and floor else "The gate gathers attention" if gated
            else "One patch asks, and this is where it looks")


def softmax_like(spec: str) -> str:
    """The softmax that sees what a spec sees.

    >>> softmax_like("relu_floor+gate@window:4"), softmax_like("relu_floor+gate")
    ('softmax@window:4', 'softmax')
    """
    _, at, scope = str(parse(spec)).partition("@")
    return f"softmax{at}{scope}"


def measured(mechanism: Attention, q: Tensor, k: Tensor, v: Tensor, causal: bool = False) -> tuple[Reading, str]:
    """A reading, and what to call it; where each channel has its own map, the first is shown."""
    reading, title = read(mechanism, q, k, v), mechanism.title + ", causal" * causal
    if reading.whole.shared is not None:
        return reading, title
    return read(mechanism, q, k, v, channel=0), f"{title}, channel 1"
