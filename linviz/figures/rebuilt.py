"""One row of a map beside copies of it: signed weights in the layout of the picture's patches.

Nothing is computed here. Colour is white at 0, orange above and blue below, on one scale that all panels share.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from . import theme


def rebuilt_rows(rows: Any, titles: Sequence[str], *, top: float, said: str = "", title: str = "",
            dark: bool = False) -> go.Figure:
    """Rows (panels, Y, X) of weights in fair shares, which may be negative; `top` has the strongest colour.

    >>> f = rebuilt_rows(np.zeros((2, 3, 4)), ["a row", "its copy"], top=10.0)
    >>> f.layout.coloraxis.cmin, f.layout.coloraxis.cmax
    (-10.0, 10.0)
    """
    x = np.asarray(rows, dtype=np.float32)
    told = " ".join(f"{name}: from {row.min():.3g} to {row.max():.3g}." for name, row in zip(titles, x, strict=True))
    alt = f"Weights of one row over {x.shape[1]} x {x.shape[2]} patches, in fair shares, {len(x)} times. {told} {said}"
    fig = make_subplots(1, len(x), horizontal_spacing=0.04, subplot_titles=list(titles))
    look = theme.empty_figure(alt.strip(), dark).layout
    fig.update_layout(template=look.template, meta=look.meta, height=380, margin={"t": 84, "b": 12, "l": 12},
                      title=theme.top_title(title),
                      coloraxis={"colorscale": theme.colourscale("diverging"), "cmin": -top, "cmax": top, "cmid": 0,
                                 "colorbar": {"title": {"text": "weight, fair shares", "side": "right"},
                                              "thickness": 14}})
    for n, row in enumerate(x):
        at = {"row": 1, "col": n + 1}
        fig.add_trace(go.Heatmap(z=row, coloraxis="coloraxis",
                                 hovertemplate="row %{y}, column %{x}: %{z:.3g}<extra></extra>"), **at)
        fig.update_yaxes(autorange="reversed", scaleanchor=f"x{n + 1}" if n else "x", constrain="domain",
                         showticklabels=False, ticks="", **at)
        fig.update_xaxes(constrain="domain", showticklabels=False, ticks="", **at)
    return fig
