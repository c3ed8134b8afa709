"""What the memories of a view carry over a border in time: the spectrum of A[t:, :t], at most D directions."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import spectra
from ..figures.reading_lines import Line
from ..grid import Grid
from ..maps import Map, Memory, forward_memory
from .view_panels import ViewPanel

PASSED = "A[t:, :t]"  # the weights of later tokens on earlier ones
ONE_BOX = "{title} has a memory of its own in every box of its scope, and none that carries over a border of the clip"
MANY_HEADS = "{title} is the mean of several heads, and every head has a memory of its own; choose one head"
NO_ORDER = "{title} has no order, so nothing comes before anything else"
ONE_STEP = "{title} reads the whole picture in one step, so nothing comes before anything else"


@dataclass(frozen=True, eq=False)
class PassedMemory:
    """The singular values of A[t:, :t] of one panel, float64, and the bound on their number; or `why` it has none."""

    panel: ViewPanel
    title: str
    values: Tensor | None = None
    bound: int = 0
    tolerance: float = 0.0
    why: str = ""

    @property
    def sentence(self) -> str:
        """How many directions are passed, or why the panel has none."""
        if self.values is None:
            return f"{self.why}."
        many, effective = spectra.numerical_rank(self.values, self.tolerance), spectra.effective_rank(self.values)
        return f"{self.title} passes {int(many)} of at most {self.bound} directions, effective rank {effective:.3g}."

    @property
    def line(self) -> Line | None:
        """What a chart draws."""
        if self.values is None:
            return None
        zero = self.tolerance * self.values[0].item()
        return Line(self.title, self.panel.spec, self.panel.family, self.values.tolist(), self.bound, zero)


def memory_borders(grid: Grid) -> list[int]:
    """The borders at which a clip is cut in two: before each frame but the first, or before each row of a photograph.

    >>> memory_borders(Grid(T=3, Y=2, X=2)), memory_borders(Grid(Y=3, X=5))
    ([4, 8], [5, 10])
    """
    each = grid.Y * grid.X if grid.T > 1 else grid.X
    return list(range(grid.prefix + each, len(grid), each))


def border_words(border: int, grid: Grid) -> str:
    """A border in words.

    >>> border_words(4, Grid(T=3, Y=2, X=2)), border_words(10, Grid(Y=3, X=5))
    ('before frame 2', 'after 10 of 15 patches')
    """
    done = border - grid.prefix
    if grid.T > 1:
        return f"before frame {done // (grid.Y * grid.X) + 1}"
    return f"after {done} of {len(grid) - grid.prefix} patches"


def border_title(border: int, grid: Grid) -> str:
    """What a chart of A[t:, :t] shows, in a sentence.

    >>> border_title(4, Grid(T=3, Y=2, X=2))
    'What the first 4 patches pass on to the other 8, before frame 2'
    """
    done, where = border - grid.prefix, f", {border_words(border, grid)}" * (grid.T > 1)
    return f"What the first {done:,} patches pass on to the other {len(grid) - border:,}{where}"


def border_at(place: tuple[int, int, int], grid: Grid) -> int | None:
    """The border before a patch's frame, or row of a photograph; for the first the middle one; None: there is none."""
    borders = memory_borders(grid)
    at = place[0] if grid.T > 1 else place[1]
    return None if not borders else borders[at - 1] if at else borders[len(borders) // 2]


@torch.no_grad()
def passed_memories(panels: Sequence[ViewPanel], titles: Sequence[str], border: int) -> Iterator[PassedMemory]:
    """What every memory among the panels carries over a border, of the first batch and head; others are left out.

    >>> from linviz.views import View, open_view
    >>> opened = open_view(View("coffee", patches=7, specs=("delta", "softmax")))
    >>> [(one.title, len(one.values), one.bound) for one in passed_memories(opened.panels, opened.titles, 21)]
    [('DeltaNet', 16, 16)]
    """
    for panel, title in zip(panels, titles, strict=True):
        if panel.reading.mechanism.memory is None:
            continue
        found = _memory_of(panel)
        if isinstance(found, str):
            yield PassedMemory(panel, title, why=found.format(title=title))
            continue
        block = found.passed(border)
        values = block.singular_values()[0, 0]
        yield PassedMemory(panel, title, values, block.rank_bound, block.tolerance)


def _memory_of(panel: ViewPanel) -> Memory | str:
    """The one memory of a panel, or why it has none."""
    if panel.reading.mean_of_heads:
        return MANY_HEADS
    a: Map = panel.map
    found = forward_memory(a)
    if found is None:
        return ONE_BOX if panel.reading.mechanism.parsed.scope != "joint" else NO_ORDER
    return ONE_STEP if found.each == found.shape[0] else found
