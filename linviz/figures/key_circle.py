"""Keys as arrows on a circle, and beside them the weights that a query gives to what was written under them."""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..palette import HUES
from . import theme

DASHES, SYMBOLS = ("solid", "dash", "dot"), ("circle", "square", "diamond")
BARS = ((HUES["kernel"], "/"), (HUES["recurrent"], ""))  # of two rules: hue and pattern


def key_circle(arrows: Mapping[str, float], weights: Mapping[str, Sequence[float]], written: Sequence[str], *,
               title: str = "", dark: bool = False) -> go.Figure:
    """Arrows of length 1, name -> degrees, at most three; and bars, rule -> one weight per written value, two rules.

    >>> key_circle({"key": 0, "query": 90}, {"sum": [0.5]}, ["value"]).layout.yaxis2.title.text
    'weight'
    """
    at = ", ".join(f"{name} at {degrees:.0f} degrees" for name, degrees in arrows.items())
    said = " ".join(f"{rule}: " + ", ".join(f"{x:.2f} on the {name}" for name, x in zip(written, values, strict=True))
                    + "." for rule, values in weights.items())
    look = theme.empty_figure(f"Arrows on a circle: {at}. Weights of the query. {said}", dark).layout
    fig = make_subplots(1, 2, column_widths=[0.45, 0.55], horizontal_spacing=0.16)
    fig.update_layout(template=look.template, meta=look.meta, height=400, barmode="group",
                      title=theme.top_title(title), margin={"t": 92, "b": 48, "l": 56})
    for (name, degrees), dash, symbol in zip(arrows.items(), DASHES, SYMBOLS, strict=False):
        fig.add_trace(_key_arrow(name, degrees, dash, symbol, theme.INK[theme.mode_name(dark)]), row=1, col=1)
    for (rule, values), (hue, pattern) in zip(weights.items(), BARS, strict=False):
        fig.add_trace(go.Bar(x=list(written), y=list(values), name=rule, hovertemplate="%{y:.2f}",
                             marker={"color": hue, "pattern": {"shape": pattern}}), row=1, col=2)
    fig.update_xaxes(title="first channel", range=[-1.2, 1.2], zeroline=True, row=1, col=1)
    fig.update_yaxes(title="second channel", range=[-0.3, 1.2], scaleanchor="x", zeroline=True, row=1, col=1)
    fig.update_xaxes(title="what was written", row=1, col=2)
    fig.update_yaxes(title="weight", range=[-1.1, 1.1], zeroline=True, row=1, col=2)
    return fig


def _key_arrow(name: str, degrees: float, dash: str, symbol: str, ink: str) -> go.Scatter:
    end = [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]
    return go.Scatter(x=[0, end[0]], y=[0, end[1]], name=name, mode="lines+markers",
                      line={"color": ink, "width": 2.5, "dash": dash},
                      marker={"symbol": symbol, "size": [0, 12], "color": ink},
                      hovertemplate="%{x:.2f}, %{y:.2f}<extra>" + name + "</extra>")
