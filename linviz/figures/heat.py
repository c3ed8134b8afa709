"""Heat maps of weights: a table of queries by keys, or one number per patch in the layout of the picture.

Nothing is computed here. Colour runs from 0 (dark) on a linear scale that all panels share.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from . import theme

PANEL = 250  # height of a row of panels in pixels


def map_tables(maps: Any, titles: Sequence[str], *, bar: str, top: float, said: str = "", title: str = "",
               dark: bool = False) -> go.Figure:
    """Whole maps, one panel each: maps (panels, N, S), a row per query, a column per key; `top` is the brightest.

    >>> map_tables(np.eye(2)[None], ["identity"], bar="weight", top=1.0).layout.xaxis.title.text
    'key j'
    """
    x = np.asarray(maps, dtype=np.float32)
    alt = (f"{_count_panels(x)} of {x.shape[1]} queries (down) by {x.shape[2]} keys (across). "
           f"{said or _value_ranges(titles, x)}")
    fig = _heat_panels(x, titles, len(x), bar, top, alt, dark)
    fig.update_xaxes(title="key j")
    fig.update_yaxes(title="query i", col=1)
    fig.update_layout(height=420, title=theme.top_title(title), margin={"t": 66, "b": 48, "l": 56})
    return fig


def patch_panels(maps: Any, titles: Sequence[str], *, bar: str, top: float, columns: int = 4, said: str = "",
                 title: str = "", dark: bool = False) -> go.Figure:
    """One number per patch, one panel per map: maps (panels, Y, X), in the layout of the picture's patches.

    >>> len(patch_panels(np.zeros((3, 4, 5)), ["a", "b", "c"], bar="weight", top=1.0, columns=2).data)
    3
    """
    x = np.asarray(maps, dtype=np.float32)
    said = said or _value_ranges(titles, x)
    alt = f"{_count_panels(x)} of {x.shape[1]} x {x.shape[2]} patches, like the picture. {said[:1].upper()}{said[1:]}"
    fig = _heat_panels(x, titles, columns, bar, top, alt, dark)
    fig.update_xaxes(showticklabels=False, ticks="")
    fig.update_yaxes(showticklabels=False, ticks="")
    fig.update_layout(height=90 + PANEL * -(-len(x) // columns), title=theme.top_title(title),
                      margin={"t": 66, "b": 12, "l": 12})
    return fig


def _heat_panels(x: np.ndarray, titles: Sequence[str], columns: int, bar: str, top: float, alt: str,
                 dark: bool) -> go.Figure:
    rows = -(-len(x) // columns)
    fig = make_subplots(rows, columns, horizontal_spacing=0.03, vertical_spacing=32 / (PANEL * rows),
                        subplot_titles=list(titles))
    look = theme.empty_figure(alt, dark).layout
    fig.update_layout(template=look.template, meta=look.meta, coloraxis={
        "colorscale": theme.colourscale("cividis"), "cmin": 0.0, "cmax": top,
        "colorbar": {"title": {"text": bar, "side": "right"}, "thickness": 14}})
    for n, table in enumerate(x):
        at = {"row": n // columns + 1, "col": n % columns + 1}
        fig.add_trace(go.Heatmap(z=table, coloraxis="coloraxis",
                                 hovertemplate="%{y}, %{x}: %{z:.3g}<extra></extra>"), **at)
        fig.update_yaxes(autorange="reversed", scaleanchor=f"x{n + 1}" if n else "x", constrain="domain", **at)
        fig.update_xaxes(constrain="domain", **at)
    return fig


def _count_panels(x: np.ndarray) -> str:
    return "A heat map" if len(x) == 1 else f"{len(x)} heat maps"


def _value_ranges(titles: Sequence[str], x: np.ndarray) -> str:
    return " ".join(f"{name}: from {m.min():.2g} to {m.max():.2g}." for name, m in zip(titles, x, strict=True))
