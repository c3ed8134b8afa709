"""Shifts as arrows on the grid: which neighbour passes on which channels."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from . import theme

PITCH, SHORT = 1.0, 0.34  # between two patch centres, and from a centre to an arrow's end


def shift_arrows(arrows: Mapping[str, tuple[int, int]], stays: str, *, across: str, down: str = "", title: str = "",
           dark: bool = False) -> go.Figure:
    """A patch, its neighbours, and an arrow from each neighbour that passes on channels.

    arrows: the channels in words -> where they come from, (rows down, columns across) from the patch in the middle.
    stays: the channels that the patch keeps.

    >>> shift_arrows({"channels 1 to 4": (0, 1)}, "channels 5 to 16", across="frame").layout.xaxis.title.text
    'frame'
    """
    said = "; ".join(f"{what} from {_position_words(y, x, across)}" for what, (y, x) in arrows.items())
    fig = theme.empty_figure(f"A patch and its neighbours, with an arrow for the channels each passes on: {said}. "
                       f"The patch keeps {stays}.", dark, height=420 if down else 240, title=title or None)
    ink, soft = theme.INK[theme.mode_name(dark)], theme.SOFT[theme.mode_name(dark)]
    places = {(0, 0), *arrows.values()}
    for y, x in places:
        fig.add_shape(type="rect", x0=x - 0.46, x1=x + 0.46, y0=y - 0.46, y1=y + 0.46, layer="below",
                      line={"color": ink if (y, x) == (0, 0) else soft, "width": 2.5 if (y, x) == (0, 0) else 1})
    for what, (y, x) in arrows.items():
        _draw_arrow(fig, y, x, ink)
        _draw_word(fig, y, x, what, soft)
    _draw_word(fig, 0, 0, f"keeps<br>{stays}", ink)
    fig.update_xaxes(title=across, range=[-1.6, 1.6], tickvals=[-1, 0, 1], zeroline=False, showgrid=False,
                     constrain="domain")
    fig.update_yaxes(title=down, range=[1.6, -1.6] if down else [0.6, -0.6], zeroline=False, showgrid=False,
                     tickvals=[-1, 0, 1] if down else [], scaleanchor="x")
    return fig


def _draw_arrow(fig: go.Figure, y: int, x: int, ink: str) -> None:
    fig.add_annotation(x=SHORT * x, y=SHORT * y, ax=(1 - SHORT) * x, ay=(1 - SHORT) * y, xref="x", yref="y", axref="x",
                       ayref="y", text="", showarrow=True, arrowhead=3, arrowwidth=2, arrowcolor=ink)


def _draw_word(fig: go.Figure, y: int, x: int, text: str, colour: str) -> None:
    fig.add_annotation(x=1.14 * x, y=1.14 * y, text=text.replace(" ", "<br>", 1), showarrow=False,
                       font={"size": 11, "color": colour})


def _position_words(y: int, x: int, across: str) -> str:
    if across == "frame":
        return "the next frame" if x > 0 else "the frame before"
    return " ".join(filter(None, (("below", "", "above")[1 - y], ("on the right", "", "on the left")[1 - x])))


def fold_names(sizes: Sequence[int]) -> list[str]:
    """Names of runs of channels, counted from 1.

    >>> fold_names([4, 4, 8]), fold_names([1, 2])
    (['channels 1 to 4', 'channels 5 to 8', 'channels 9 to 16'], ['channel 1', 'channels 2 to 3'])
    """
    found, first = [], 1
    for size in sizes:
        found.append(f"channel {first}" if size == 1 else f"channels {first} to {first + size - 1}")
        first += size
    return found
