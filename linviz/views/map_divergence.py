"""How much two maps differ, per query: one number a row, block by block, without either table.

Two maps whose rows are probability distributions are compared by their Jensen-Shannon divergence. Where one of them is
signed, or its rows do not sum to one, it is the total variation of rows of size one, and `MapDivergence.why` says so.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..grid import Grid
from ..maps import Map
from ..maps.base import BLOCK_WEIGHTS
from ..measure import MEASURES, Measure
from ..row_block import DEAD_ROW_SUM
from .view_panels import OpenView

SHARES, SIZES = "jensen_shannon", "total_variation"  # the measures, by what the rows are
ALIKE = 0.01  # from 0 to 1: two rows that differ less are drawn alike
WHY = "This is the {measure} of rows scaled to size one, because rows of {title} are no probability distributions."


@dataclass(frozen=True, eq=False)
class MapDivergence:
    """The divergence of two maps over the patches of a grid.

    values  one number per token, (N,) float64; NaN where one of the two rows is empty: it has none
    titles  of both maps;  measure  which measure it is;  why  a sentence, where it is not the usual one
    """

    values: Tensor
    grid: Grid
    titles: tuple[str, str]
    measure: Measure
    why: str = ""

    @property
    def known(self) -> Tensor:
        """Which tokens have a number: not those with an empty row."""
        return ~self.values.isnan()

    @property
    def empty(self) -> int:
        """How many patches have none."""
        return int((~self.known[self.grid.prefix:]).sum())

    @cached_property
    def largest(self) -> int | None:
        """The number of the patch at which the maps differ most, the first of equal ones; None where no patch has one.
        """
        on_picture = self.values[self.grid.prefix:].nan_to_num(-1.0)
        at = int(on_picture.argmax())
        return self.grid.prefix + at if on_picture[at] >= 0 else None

    @property
    def mean(self) -> float | None:
        """The mean over all patches that have one."""
        found = self.values[self.grid.prefix:]
        return found.nanmean().item() if bool(found.isfinite().any()) else None

    @property
    def top(self) -> float:
        """Where a colour scale ends: the largest number, rounded up to a tenth; 1 where all are 0."""
        most = 0.0 if self.largest is None else self.values[self.largest].item()
        return -(-round(most * 10, 6) // 1) / 10 or 1.0

    def at(self, token: int) -> str:
        """The number of a token with its unit; "none" where it has none."""
        return divergence_text(self.values[token].item(), self.measure)


@torch.no_grad()
def map_divergence(a: Map, b: Map, grid: Grid, titles: tuple[str, str]) -> MapDivergence:
    """Compare two maps over the tokens of a grid, row by row; ValueError where they are not over the same tokens.

    >>> from linviz.maps import Dense
    >>> one, flat = Dense(torch.eye(2)[None, None]), Dense(torch.full((1, 1, 2, 2), 0.5))
    >>> found = map_divergence(one, flat, Grid(X=2), ("identity", "uniform"))
    >>> found.at(0), found.mean == found.values[1].item(), found.top
    ('0.31 bits', True, 0.4)
    """
    if a.shape != b.shape or a.shape[0] != len(grid):
        raise ValueError(f"two maps are compared over the same queries and keys; got {a.shape} and {b.shape}")
    odd = [title for one, title in zip((a, b), titles) if not one.stochastic]
    measure = MEASURES[SIZES if odd else SHARES]
    parts = [_block_divergence(a, b, i, measure) for i in torch.arange(a.shape[0]).split(
        max(1, BLOCK_WEIGHTS // a.shape[1]))]
    why = WHY.format(measure=measure.title, title=" and ".join(odd)) if odd else ""
    return MapDivergence(torch.cat(parts), grid, titles, measure, why)


def _block_divergence(a: Map, b: Map, queries: Tensor, measure: Measure) -> Tensor:
    """The measure of some rows of the first batch and head; NaN where a row is empty, or is not finite."""
    pair = [x.rows(queries)[0, 0].double() for x in (a, b)]
    none = torch.zeros(len(queries), dtype=torch.bool)
    for rows, one in zip(pair, (a, b)):
        size = rows.sum(-1) if one.stochastic else rows.abs().sum(-1)
        none |= ~rows.isfinite().all(-1) | (size < DEAD_ROW_SUM if one.stochastic else size == 0)
    filled = [rows.masked_fill(none[:, None], 1.0) for rows in pair]
    out: Tensor = measure.function(*filled)
    return out.masked_fill(none, torch.nan)


# ------------------------------------------------------------------------------------------------ which two


def default_pair(specs: list[str]) -> tuple[int, int] | None:
    """The two panels that a learner compares first: softmax and the first map without a gate; else first and last.

    >>> default_pair(["softmax", "relu_floor", "relu_floor+gate"]), default_pair(["linear", "relu"])
    ((0, 1), (0, 1))
    """
    if len(specs) < 2:
        return None
    soft = next((n for n, spec in enumerate(specs) if spec.partition("@")[0] == "softmax"), None)
    if soft is None:
        return 0, len(specs) - 1
    plain = [n for n, spec in enumerate(specs) if n != soft and "+gate" not in spec]
    other = next(iter(plain), next(n for n in range(len(specs)) if n != soft))
    return soft, other


def chosen_pair(opened: OpenView) -> tuple[int, int]:
    """The pair of panels that a view compares; ValueError, in one sentence, where it has one panel only."""
    pair = opened.view.compare or default_pair([panel.spec for panel in opened.panels])
    if pair is None:
        raise ValueError(f"two mechanisms are compared, and this view has {opened.panels[0].key} only: give it another")
    return pair[0], pair[1]


def view_divergence(opened: OpenView, pair: tuple[int, int] | None = None) -> MapDivergence:
    """How much two panels of a view differ, per query: those of `pair`, or those that the view compares.

    >>> from linviz.views import View, open_view
    >>> found = view_divergence(open_view(View("coffee", patches=7, specs=("softmax", "uniform"))))
    >>> found.measure.unit, found.grid.place(found.largest)
    ('bits', (0, 5, 3))
    """
    first, second = pair or chosen_pair(opened)
    maps = opened.panels[first].map, opened.panels[second].map
    return map_divergence(*maps, opened.grid, (opened.titles[first], opened.titles[second]))


# ------------------------------------------------------------------------------------------------ in words


def divergence_text(x: float, measure: Measure) -> str:
    """A number with its unit, two digits after the point; "none" where there is none.

    >>> divergence_text(0.8165, MEASURES["jensen_shannon"]), divergence_text(float("nan"), MEASURES["jensen_shannon"])
    ('0.82 bits', 'none')
    """
    return "none" if x != x else f"{x:.2f} {measure.unit}"


def divergence_heading(found: MapDivergence) -> str:
    """What is seen on the map, from its numbers."""
    first, second = found.titles
    if found.largest is None or found.mean is None:
        return f"No patch can be compared: {first} or {second} has an empty row for each"
    most, place = found.values[found.largest].item(), patch_words(found.largest, found.grid)
    if most < ALIKE:
        return f"{first} and {second} agree: no patch differs by {ALIKE:g} {found.measure.unit}"
    low = found.values[found.grid.prefix:]
    least = low[~low.isnan()].min().item()
    if most < 1.25 * least:
        return (f"{first} and {second} differ about equally everywhere: by {least:.2f} to "
                f"{divergence_text(most, found.measure)}")
    return (f"{first} and {second} differ by {divergence_text(found.mean, found.measure)} on average, and most, by "
            f"{most:.2f}, at {place}")


def patch_words(token: int, grid: Grid) -> str:
    """Where a patch lies, counted from 1.

    >>> patch_words(5, Grid(T=2, Y=2, X=2))
    'row 1, column 2, frame 2'
    """
    t, y, x = grid.place(token)
    return f"row {y + 1}, column {x + 1}" + f", frame {t + 1}" * (grid.T > 1)
