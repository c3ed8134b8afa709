"""What mechanisms cost over the number of patches: measured points, a formula through them, and estimates beyond."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme
from .growth import Axis, Trend, trend_lines

ESTIMATE = "estimate"


@dataclass(frozen=True)
class CostSeries(theme.Named):
    """The cost of one mechanism. measured: whether each point was; curve_x, curve_y: points of the formula's line."""

    tokens: Sequence[int]
    cost: Sequence[float]
    measured: Sequence[bool]
    curve_x: Sequence[float] = ()
    curve_y: Sequence[float] = ()


def cost_chart(rows: Sequence[CostSeries], unit: Axis, at: int, *, title: str = "", dark: bool = False) -> go.Figure:
    """Cost over patches on logarithmic axes. Estimated points are hollow and say so; a line stands at `at` patches.

    >>> row = CostSeries("softmax", "softmax", "softmax", [49, 100], [1.0, 4.0], [True, False])
    >>> cost_chart([row], Axis("ms", log=True), 49).data[0].text
    ('', 'estimate')
    """
    marks = {f"{n:,}": float(n) for n in rows[0].tokens}
    fig = trend_lines([Trend(row.title, row.spec, row.family, row.tokens, row.cost) for row in rows],
                      Axis("patches N", log=True, marks=marks), unit, at={f"N = {at:,}": at}, title=title, dark=dark)
    for trace, row in zip(fig.data, rows, strict=True):
        last = max((n for n, there in enumerate(row.measured) if not there), default=-1)
        trace.mode = "markers+text"
        trace.marker.symbol = [row.style.marker + "-open" * (not there) for there in row.measured]
        trace.text = [ESTIMATE if n == last else "" for n in range(len(row.tokens))]
        trace.textposition = "top left"
    fig.add_traces([go.Scatter(x=list(row.curve_x), y=list(row.curve_y), mode="lines", line=row.line(1.5),
                               showlegend=False, hoverinfo="skip") for row in rows if row.curve_x])
    return fig
