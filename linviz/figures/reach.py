"""How much of a clip reaches a query, and at which cost: schemes of attention, layer by layer."""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme

NEAR = (0.1, 5.0)  # ends nearer than this (decades of cost, per cent) share a label, so that labels do not overlap
STEP, LETTER = 15, 0.055  # a label's height in pixels and a letter's width in decades, on a chart of about 400 pixels
CHOSEN = ("solid", "dash", "dot", "dashdot")  # dashes of the compared schemes, in order


@dataclass(frozen=True)
class Path:
    """One scheme: its title, the operations of one, two and three layers, and the fractions of the clip they reach.

    shares: in per cent; chosen: it is one of the compared schemes.
    """

    title: str
    operations: Sequence[int]
    shares: Sequence[float]
    chosen: bool = False


def reach_chart(paths: Sequence[Path], *, dark: bool = False) -> go.Figure:
    """Fraction of the clip that reaches a query over total operations; one line per scheme, one point per layer.

    >>> f = reach_chart([Path("joint", [100, 200, 300], [100, 100, 100], chosen=True)])
    >>> f.data[0].name, f.layout.yaxis.title.text
    ('joint', 'clip seen by the query (%)')
    """
    fig = theme.empty_figure(_reach_alt(paths), dark, showlegend=False)
    chosen = [path for path in paths if path.chosen]
    for path in sorted(paths, key=lambda path: path.chosen):
        dash = CHOSEN[chosen.index(path) % len(CHOSEN)] if path.chosen else "solid"
        fig.add_trace(_reach_trace(path, dash, theme.mode_name(dark)))
    _end_labels(fig, paths, theme.mode_name(dark))
    ends = [math.log10(max(1, n)) for path in paths for n in path.operations] or [0.0]
    first = min(ends) - 0.15
    fig.update_layout(
        xaxis={"type": "log", "title": {"text": "operations of all layers (number)"}, "dtick": 1,
               "exponentformat": "SI", "range": [first, max(first + 2, max(ends) + 0.75)]},
        yaxis={"title": {"text": "clip seen by the query (%)"}, "range": [-4, 138], "tickvals": [0, 25, 50, 75, 100]})
    return fig


def _reach_trace(path: Path, dash: str, mode: str) -> go.Scatter:
    colour = theme.INK[mode] if path.chosen else theme.SOFT[mode]
    return go.Scatter(
        x=list(path.operations), y=list(path.shares), name=path.title, mode="lines+markers",
        opacity=1 if path.chosen else 0.55,
        line={"color": colour, "width": 2.4 if path.chosen else 1.2, "dash": dash},
        marker={"color": colour, "size": [5, 7, 9], "symbol": "circle"},
        customdata=[f"{n} layer{'s' * (n > 1)}" for n in range(1, len(path.shares) + 1)],
        hovertemplate="%{customdata}: %{y:.3g} % for %{x:.3s} operations<extra>" + path.title + "</extra>")


def _end_labels(fig: go.Figure, paths: Sequence[Path], mode: str) -> None:
    """A name at the end of every line; near ends share one, and labels that would overlap are stacked."""
    groups: list[list[Path]] = []
    for path in sorted(paths, key=lambda path: path.operations[-1]):
        home = next((group for group in groups if _share_label(group[0], path)), None)
        groups.append([path]) if home is None else home.append(path)
    taken: list[tuple[float, int, float]] = []  # height, level and right end of the labels before
    for group in groups:
        x, y = math.log10(max(1, group[0].operations[-1])), group[0].shares[-1]
        level = next(n for n in range(99) if not any(
            n == level and x < end and abs(y - height) < 4 * NEAR[1] for height, level, end in taken))
        taken.append((y, level, x + LETTER * len(", ".join(path.title for path in group))))
        names = ", ".join(f"<b>{path.title}</b>" if path.chosen else path.title for path in group)
        colour = theme.INK[mode] if any(path.chosen for path in group) else theme.SOFT[mode]
        fig.add_annotation(x=x, y=y, text=names, xanchor="left", yanchor="bottom", showarrow=level > 0, arrowhead=0,
                           arrowwidth=0.8, arrowcolor=theme.SOFT[mode], ax=0, ay=-STEP * level, xshift=2,
                           yshift=3, font={"size": 12, "color": colour})


def _share_label(one: Path, other: Path) -> bool:
    apart = abs(math.log10(max(1, one.operations[-1])) - math.log10(max(1, other.operations[-1])))
    return apart < NEAR[0] and abs(one.shares[-1] - other.shares[-1]) < NEAR[1]


def _reach_alt(paths: Sequence[Path]) -> str:
    said = "; ".join(f"{path.title}: {', '.join(f'{share:.3g} %' for share in path.shares)} for "
                     f"{path.operations[-1]:.3g} operations" for path in paths)
    return f"Part of a clip that a query has seen after one, two, three layers, against operations. {said}."
