"""Trends: how one number depends on another, on linear or logarithmic axes.

Nothing is computed here: the given numbers are drawn, and the alt text repeats where each line begins and ends.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme


@dataclass(frozen=True)
class Trend(theme.Named):
    """One line: y over x, in the style of a mechanism; with its own dash if two lines share a style."""

    x: Sequence[float]
    y: Sequence[float]
    dash: str = ""


@dataclass(frozen=True)
class Axis:
    """What an axis measures, with its unit; whether it is logarithmic; the positions and texts of its ticks."""

    title: str
    log: bool = False
    marks: Mapping[str, float] | None = None


def trend_lines(lines: Sequence[Trend], x: Axis, y: Axis, *, levels: Mapping[str, float] | None = None,
                at: Mapping[str, float] | None = None, title: str = "", dark: bool = False) -> go.Figure:
    """Lines with a marker at every given point; `levels` are horizontal lines, `at` are vertical lines.

    >>> line = Trend("pairs", "softmax", "softmax", [1, 2], [1, 16])
    >>> trend_lines([line], Axis("side"), Axis("pairs", log=True)).layout.yaxis.type
    'log'
    """
    said = " ".join(f"{t.title}: from {t.y[0]:.3g} at {t.x[0]:.3g} to {t.y[-1]:.3g} at {t.x[-1]:.3g}." for t in lines)
    more = "".join(f" Level: {name} {value:.3g}." for name, value in (levels or {}).items())
    upright = "".join(f" Vertical line: {name} at {value:.3g}." for name, value in (at or {}).items())
    fig = theme.empty_figure(f"{y.title[0].upper()}{y.title[1:]} over {x.title}. {said}{more}{upright}", dark,
                             height=390, margin={"t": 92 if len(lines) > 3 else 84, "r": 24})
    fig.add_traces([_trend_trace(t) for t in lines])
    for name, value in (levels or {}).items():
        fig.add_hline(y=value, line=theme.level_line(dark))
        fig.add_annotation(text=name, x=1, xref="x domain", xanchor="right", y=_annotation_place(value, y),
                           yanchor="bottom")
    for name, value in (at or {}).items():
        fig.add_vline(x=value, line=theme.level_line(dark))
        fig.add_annotation(text=name, x=_annotation_place(value, x), y=1, yref="y domain", yanchor="bottom")
    fig.update_layout(title=theme.top_title(title), xaxis=_log_axis(x, [v for t in lines for v in t.x]),
                      yaxis=_log_axis(y, [v for t in lines for v in t.y]))
    return fig


def _annotation_place(value: float, axis: Axis) -> float:
    """The position of an annotation: plotly expects the exponent on a logarithmic axis.

    >>> _annotation_place(1000, Axis("tokens", log=True)), _annotation_place(1000, Axis("tokens"))
    (3.0, 1000)
    """
    return math.log10(value) if axis.log else value


def _trend_trace(t: Trend) -> go.Scatter:
    return go.Scatter(x=list(t.x), y=list(t.y), name=t.title, mode="lines+markers",
                      line={"color": t.style.hue, "dash": t.dash or t.style.dash, "width": 2.5},
                      marker=t.marker(7),
                      hovertemplate="%{x:.4g}: %{y:.3g}<extra>" + t.title + "</extra>")


def _log_axis(axis: Axis, values: Sequence[float]) -> dict[str, object]:
    out: dict[str, object] = {"title": axis.title, "zeroline": False}
    if axis.log:
        out["type"] = "log"
    marks = axis.marks or (_decade_ticks(values) if axis.log else None)
    if marks:
        out |= {"tickvals": list(marks.values()), "ticktext": list(marks)}
    return out


def _decade_ticks(values: Sequence[float]) -> dict[str, float]:
    """Ticks of a logarithmic axis, written out, since plotly's are single digits: powers of ten, and 3s if few.

    >>> list(_decade_ticks([0.3, 30])), list(_decade_ticks([5, 80_000]))
    (['0.1', '0.3', '1', '3', '10', '30', '100'], ['1', '10', '100', '1,000', '10,000', '100,000'])
    """
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    steps = (1.0,) if high - low > 3 else (1.0, 3.0)
    found = [step * 10.0 ** n for n in range(low, high + 1) for step in steps if step * 10.0 ** n <= 10.0 ** high]
    return {f"{x:,.10g}": x for x in found}
