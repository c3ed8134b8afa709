"""The figures of an open view, by name: every mechanism of it in one chart."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .. import figures
from ..figures.concentration_charts import Point, plane_chart
from ..figures.curves import Curve, weight_curves
from ..figures.heat import patch_panels
from ..figures.reading_lines import spectral_lines
from .map_divergence import divergence_heading, view_divergence
from .passed_memory import PASSED, border_at, border_title, passed_memories
from .repainted_figures import received_figure, repainted_figure
from .repainted_output import received_attention, repainted_outputs
from .row_stats import query_row
from .view_panels import OpenView


@torch.no_grad()
def draw_figure(name: str, opened: OpenView, dark: bool = False) -> Any:
    """One of the figures in `FIGURES`; ValueError, in one sentence, for another name or a map that it cannot draw.

    >>> from linviz.views import View, open_view
    >>> opened = open_view(View("coffee", patches=7, specs=("uniform",)))
    >>> [len(draw_figure(name, opened).data) for name in ("spectrum", "row", "patches")]
    [1, 1, 1]
    """
    if name not in FIGURES:
        raise ValueError(f"a view has the figures {', '.join(FIGURES)}; got {name!r:.40}")
    return FIGURES[name](opened, dark)


def _spectral_figure(opened: OpenView, dark: bool, power: int) -> Any:
    lines = [figures.Line(title, panel.spec, panel.family, line.values, line.bound, line.tolerance)
             for panel, title in zip(opened.panels, opened.titles)
             for line in spectral_lines(panel.reading, power)]
    return figures.cumulative(lines, power=power, dark=dark) if power else figures.spectrum(lines, dark=dark)


def _concentration_plane(opened: OpenView, dark: bool) -> Any:
    """Mean entropy against numerical rank, of the maps whose rows are probability distributions."""
    shares = [(panel, title) for panel, title in zip(opened.panels, opened.titles) if panel.map.stochastic]
    if not shares:
        raise ValueError("no map of this view has an entropy: all are signed, or their rows do not sum to one")
    points = [Point(title, panel.spec, panel.family, panel.reading.summary()["entropy"],
                    panel.reading.numerical_rank.max().item()) for panel, title in shares]
    return plane_chart(points, most=len(opened.grid), dark=dark)


def _weights_of_row(opened: OpenView, dark: bool) -> Any:
    """The pinned patch's weights from largest to smallest, in fair shares; a signed map by their size."""
    curves = []
    for panel, title in zip(opened.panels, opened.titles):
        weights = query_row(panel.map, opened.query).abs().sort(descending=True).values
        shares = (weights * len(weights)).tolist()
        curves.append(Curve(title, panel.spec, panel.family, list(range(1, len(shares) + 1)), shares))
    return weight_curves(curves, dark=dark)


def _row_on_patches(opened: OpenView, dark: bool) -> Any:
    """The pinned patch's row on the shown frame, laid out like the picture."""
    t = opened.frame * opened.keys.T // opened.grid.T
    rows = [opened.keys.fold(query_row(panel.map, opened.query)[:, None])[t, ..., 0] for panel in opened.panels]
    maps = torch.stack([row.cpu() for row in rows]).numpy()
    return patch_panels(maps, opened.titles, bar="weight (of 1)", top=float(maps.max()), dark=dark)


def _passed_spectra(opened: OpenView, dark: bool) -> Any:
    """The spectrum of what every memory carries over the border before the pinned patch's frame, or its row."""
    border = border_at(opened.place, opened.grid)
    found = [] if border is None else list(passed_memories(opened.panels, opened.titles, border))
    lines = [one.line for one in found if one.line]
    if border is None or not lines:
        why = "; ".join(one.why for one in found) or "a memory is a mechanism of the family recurrent, as delta"
        raise ValueError(f"no memory of this view passes anything on: {why}")
    return figures.spectrum(lines, of=PASSED, title=border_title(border, opened.grid), dark=dark)


def _divergence_on_patches(opened: OpenView, dark: bool) -> Any:
    """How much the rows of two maps differ, per query, on every frame; a patch that has none stays blank."""
    found = view_divergence(opened)
    frames = found.grid.fold(found.values[:, None])[..., 0].cpu().numpy()
    heading = divergence_heading(found)
    names = [f"frame {t + 1}" for t in range(found.grid.T)] if found.grid.T > 1 else [" and ".join(found.titles)]
    none = f" {found.empty} patches have none: a row is empty." * bool(found.empty)
    return patch_panels(frames, names, bar=found.measure.label, top=found.top, columns=min(4, len(names)),
                        said=f"{heading}.{none}{' ' * bool(found.why)}{found.why}", title=heading, dark=dark)


def _repainted_pictures(opened: OpenView, dark: bool) -> Any:
    """The shown frame, and what every map makes of it where the values are its pixels."""
    return repainted_figure(opened, repainted_outputs(opened), dark)


def _received_on_patches(opened: OpenView, dark: bool) -> Any:
    """How much attention every patch of the shown frame receives from all queries, in equal shares."""
    return received_figure(opened, [received_attention(panel.map) for panel in opened.panels], dark)


FIGURES: dict[str, Callable[[OpenView, bool], Any]] = {
    "spectrum": lambda opened, dark: _spectral_figure(opened, dark, 0),
    "cumulative": lambda opened, dark: _spectral_figure(opened, dark, 1),
    "energy": lambda opened, dark: _spectral_figure(opened, dark, 2),
    "concentration": _concentration_plane, "row": _weights_of_row, "patches": _row_on_patches,
    "divergence": _divergence_on_patches, "passed": _passed_spectra,
    "repainted": _repainted_pictures, "received": _received_on_patches}
