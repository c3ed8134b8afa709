"""What another mechanism changes in the heads of a model: concentration, beside the error of the output."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme


@dataclass(frozen=True)
class HeadChange:
    """A head, counted from 1, under another mechanism: entropy after minus before in bits, and relative error."""

    layer: int
    head: int
    bits: float
    error: float


def head_changes_chart(changes: Sequence[HeadChange], *, dark: bool = False) -> go.Figure:
    """One dot per head: the change of its entropy, and the relative error of its output; deep layers are darker.

    >>> chart = head_changes_chart([HeadChange(1, 1, 0.5, 0.1), HeadChange(2, 1, 1.5, 0.3)])
    >>> chart.layout.xaxis.title.text, list(chart.data[0].y)
    ('entropy after minus before (bits)', [0.1, 0.3])
    """
    fig = theme.empty_figure(_changes_alt(changes), dark, showlegend=False)
    fig.add_trace(go.Scatter(
        x=[one.bits for one in changes], y=[one.error for one in changes], mode="markers",
        customdata=[f"layer {one.layer}, head {one.head}" for one in changes],
        marker={"size": 9, "color": [one.layer for one in changes], "colorscale": theme.colourscale("cividis"),
                "colorbar": {"title": {"text": "layer"}, "tickformat": "d", "dtick": 1}},
        hovertemplate="%{customdata}: %{x:.3g} bits, error %{y:.3g}<extra></extra>"))
    fig.update_layout(xaxis={"title": {"text": "entropy after minus before (bits)"}},
                      yaxis={"title": {"text": "relative error of A v"}, "rangemode": "tozero"})
    return fig


def _changes_alt(changes: Sequence[HeadChange]) -> str:
    """The chart in words."""
    bits, errors = sorted(one.bits for one in changes), sorted(one.error for one in changes)
    return (f"Scatter of {len(changes)} heads: the entropy changes by {bits[0]:.3g} to {bits[-1]:.3g} bits, and the "
            f"relative error of the output goes from {errors[0]:.3g} to {errors[-1]:.3g}.")
