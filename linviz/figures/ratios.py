"""Fixation ratios, channel by token: which entries a gate has opened and which it has closed.

Ratios span several powers of ten, so their decimal logarithm is drawn (given, not computed here), and the colour
bar shows the ratio itself.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..fixation import LOWEST
from . import theme

BAR = {"title": {"text": "ratio r", "side": "right"}, "tickvals": [-4, -3, -2, -1, 0], "thickness": 14,
       "ticktext": ["0.0001", "0.001", "0.01", "0.1", "1"]}


def ratio_heatmaps(queries: Any, keys: Any, channels: Sequence[str], *, tokens: str = "token", title: str = "",
                   dark: bool = False) -> go.Figure:
    """Two heat maps of log10 r, queries and keys, each (M, tokens): a row per channel, a column per token.

    >>> ratio_heatmaps([[-1.0, -2.0]], [[0.0, -4.0]], ["lightness"]).layout.coloraxis.cmin
    -4.0
    """
    pair = [np.asarray(x, dtype=np.float32) for x in (queries, keys)]
    said = " ".join(_ratio_range(name, x) for name, x in zip(("Queries", "Keys"), pair, strict=True))
    fig = _blank_panels(["queries", "keys"], dark,
                        f"Fixation ratios of {pair[0].shape[1]} tokens (across) in {len(channels)} channels (down), "
                        f"on a log colour scale. {said}")
    for n, x in enumerate(pair, 1):
        fig.add_trace(_ratio_heatmap(x, list(channels)), row=1, col=n)
    fig.update_xaxes(title=tokens)
    fig.update_yaxes(autorange="reversed")
    fig.update_layout(height=150 + 19 * len(channels), margin={"t": 66}, title=theme.top_title(title))
    return fig


def ratio_pictures(maps: Any, titles: Sequence[str], *, title: str = "", dark: bool = False) -> go.Figure:
    """log10 r of some channels in the layout of the picture's patches: maps (channels, Y, X), one panel each.

    >>> len(ratio_pictures(np.zeros((2, 3, 4)), ["lightness", "red"]).data)
    2
    """
    x = np.asarray(maps, dtype=np.float32)
    said = " ".join(_ratio_range(name, m) for name, m in zip(titles, x, strict=True))
    fig = _blank_panels(titles, dark,
                        f"Fixation ratios laid out like the {x.shape[1]} x {x.shape[2]} patches of the picture, "
                        f"one panel per channel, on a log colour scale. {said}")
    for n, m in enumerate(x, 1):
        fig.add_trace(_ratio_heatmap(m, None), row=1, col=n)
        axis = "x" if n == 1 else f"x{n}"
        fig.update_yaxes(autorange="reversed", scaleanchor=axis, constrain="domain", constraintoward="top",
                         showgrid=False, showticklabels=False, ticks="", row=1, col=n)
        fig.update_xaxes(constrain="domain", showgrid=False, showticklabels=False, ticks="", row=1, col=n)
    fig.update_layout(height=300, margin={"t": 66, "b": 12, "l": 12}, title=theme.top_title(title))
    return fig


def _ratio_range(name: str, logs: np.ndarray) -> str:
    return f"{name}: ratios from {10.0 ** logs.min():.2g} to {10.0 ** logs.max():.2g}."


def _blank_panels(titles: Sequence[str], dark: bool, alt: str) -> go.Figure:
    look, scale = theme.empty_figure(alt, dark).layout, theme.colourscale("cividis")
    fig = make_subplots(1, len(titles), shared_yaxes=True, horizontal_spacing=0.03, subplot_titles=list(titles))
    fig.update_layout(template=look.template, meta=look.meta,
                      coloraxis={"colorscale": scale, "cmin": LOWEST, "cmax": 0.0, "colorbar": BAR})
    return fig


def _ratio_heatmap(x: np.ndarray, rows: list[str] | None) -> go.Heatmap:
    return go.Heatmap(z=x, y=rows, coloraxis="coloraxis",
                      hovertemplate="%{y}, %{x}: r = 10^%{z:.1f}<extra></extra>")
