"""A picture repainted by an attention, and beside it one number per patch. Nothing is computed here."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from . import theme
from .heat import PANEL


def repainted_picture(colours: Any, numbers: Any, names: tuple[str, str], *, bar: str, top: float, said: str,
                      title: str = "", dark: bool = False) -> go.Figure:
    """Colours (Y, X, 3) in 0..1 as a picture of patches, and numbers (Y, X) from 0 (dark) to `top` (bright).

    >>> f = repainted_picture(np.zeros((2, 3, 3)), np.ones((2, 3)), ("painted", "weight"), bar="weight", top=1.0,
    ...                       said="All black.")
    >>> [(trace.type, trace.x0, trace.y0) for trace in f.data]
    [('image', 1, 1), ('heatmap', 1, 1)]
    """
    rgb, x = np.asarray(colours, dtype=np.float32), np.asarray(numbers, dtype=np.float32)
    alt = f"A picture of {x.shape[0]} x {x.shape[1]} patches beside a heat map of {bar}, from {x.min():.2g} to " \
          f"{x.max():.2g}. {said}"
    fig = make_subplots(1, 2, horizontal_spacing=0.06, subplot_titles=list(names))
    look = theme.empty_figure(alt, dark).layout
    fig.update_layout(template=look.template, meta=look.meta, height=400, title=theme.top_title(title),
                      margin={"t": 76, "b": 48, "l": 56},
                      coloraxis={"colorscale": theme.colourscale("cividis"), "cmin": 0.0, "cmax": top,
                                 "colorbar": {"title": {"text": bar, "side": "right"}, "thickness": 14}})
    first = {"x0": 1, "y0": 1}      # rows and columns are counted from 1, as in the texts
    fig.add_trace(go.Image(z=(255 * rgb.clip(0, 1)).round().astype(np.uint8), hoverinfo="skip", **first), row=1, col=1)
    fig.add_trace(go.Heatmap(z=x, coloraxis="coloraxis", **first,
                             hovertemplate="row %{y}, column %{x}: %{z:.3g}<extra></extra>"), row=1, col=2)
    fig.update_xaxes(title="column of patches", constrain="domain", showgrid=False)
    fig.update_yaxes(title="row of patches", col=1)
    fig.update_yaxes(autorange="reversed", scaleanchor="x2", constrain="domain", row=1, col=2)
    return fig


def repainted_panels(pictures: Any, titles: Sequence[str], *, said: str, title: str = "",
                     dark: bool = False) -> go.Figure:
    """Pictures (panels, 3, Ypx, Xpx) in 0..1, side by side under their titles.

    >>> [trace.type for trace in repainted_panels(np.zeros((2, 3, 4, 4)), ["a", "b"], said="Both black.").data]
    ['image', 'image']
    """
    rgb = (255 * np.asarray(pictures, dtype=np.float32).clip(0, 1)).round().astype(np.uint8)
    columns = min(4, len(rgb))
    rows = -(-len(rgb) // columns)
    fig = make_subplots(rows, columns, horizontal_spacing=0.03, vertical_spacing=32 / (PANEL * rows),
                        subplot_titles=list(titles))
    look = theme.empty_figure(f"{len(rgb)} pictures: {', '.join(titles)}. {said}", dark).layout
    fig.update_layout(template=look.template, meta=look.meta, height=90 + PANEL * rows, title=theme.top_title(title),
                      margin={"t": 66, "b": 12, "l": 12})
    for n, picture in enumerate(rgb):
        at = {"row": n // columns + 1, "col": n % columns + 1}
        fig.add_trace(go.Image(z=picture.transpose(1, 2, 0), hoverinfo="skip"), **at)
        fig.update_xaxes(visible=False, **at)
        fig.update_yaxes(visible=False, **at)
    return fig
