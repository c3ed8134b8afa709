"""Matrices drawn to scale: a product of three matrices, bracketed in two ways.

Nothing is computed here: the position and size of every box are given.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme


@dataclass(frozen=True)
class Box:
    """A matrix: its name, its hover text, its upper left corner and its size in units of the axes.

    family gives the hue; made: it is an intermediate result and drawn filled; the others have their names below.
    """

    name: str
    said: str
    left: float
    top: float
    wide: float
    high: float
    family: str
    made: bool = False


@dataclass(frozen=True)
class Note:
    """Text beside the boxes, with the position of its upper left corner."""

    text: str
    left: float
    top: float
    size: int = 13


def bracket_boxes(boxes: Sequence[Box], notes: Sequence[Note], *, said: str, axes: tuple[str, str],
             reach: tuple[float, float], title: str = "", dark: bool = False) -> go.Figure:
    """Boxes to scale, y downwards. axes: their titles, across and down; reach: their lengths.

    >>> box = Box("A", "2 x 1", 0, 0, 1, 2, "softmax")
    >>> f = bracket_boxes([box], [], said="one matrix", axes=("columns", "rows"), reach=(2, 3))
    >>> f.layout.yaxis.title.text, list(f.data[0].y)
    ('rows', [0, 0, 2, 2, 0])
    """
    fig = theme.empty_figure(said, dark, showlegend=False, height=500, margin={"t": 44, "b": 40, "l": 40, "r": 8})
    fig.add_traces([_box_shape(box) for box in boxes])
    ink = theme.INK[theme.mode_name(dark)]
    for box in boxes:
        if not box.made:
            fig.add_annotation(text=box.name, x=box.left + box.wide / 2, y=box.top + box.high, yanchor="top")
    for n in notes:
        fig.add_annotation(text=n.text, x=n.left, y=n.top, xanchor="left", yanchor="top", align="left",
                           font={"size": n.size, "color": ink})
    bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": ""}
    bare |= {"constrain": "domain"}
    fig.update_layout(title=theme.top_title(title), xaxis={**bare, "title": {"text": axes[0]}, "range": [0, reach[0]]},
                      yaxis={**bare, "title": {"text": axes[1]}, "range": [reach[1], 0], "scaleanchor": "x"})
    return fig


def _box_shape(box: Box) -> go.Scatter:
    hue, right, low = theme.HUES[box.family], box.left + box.wide, box.top + box.high
    return go.Scatter(x=[box.left, right, right, box.left, box.left], y=[box.top, box.top, low, low, box.top],
                      fill="toself", fillcolor=hue if box.made else "rgba(0,0,0,0)", mode="lines", name=box.name,
                      line={"color": hue, "width": 2}, hoveron="fills", text=f"{box.name}: {box.said}",
                      hoverinfo="text")
