"""A figure that can be redrawn in place in a notebook, and one that stands still where nothing can move."""
from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go

PLOTLY = "application/vnd.plotly.v1+json"
CONFIG = {"displayModeBar": False, "responsive": True}
WIDE = 800  # pixels of a living figure: in JupyterLab it is drawn before it knows how much room it has


def bundle(figure: go.Figure) -> dict[str, Any]:
    """What a notebook stores of a figure: its data, and its alt text for where no figure can be drawn.

    >>> bundle(go.Figure(layout={"meta": {"alt": "an empty figure"}}))["text/plain"]
    'an empty figure'
    """
    drawn = json.loads(figure.to_json())
    return {PLOTLY: {**drawn, "config": CONFIG}, "text/plain": (figure.layout.meta or {}).get("alt", "")}


def living(figure: go.Figure) -> Any:
    """The same figure as a widget; `redraw` changes it in place. Needs anywidget, which notebooks have."""
    widget = go.FigureWidget(go.Figure(figure).update_layout(width=WIDE))
    widget._config = {**(widget._config or {}), **CONFIG}
    return widget


def redraw(widget: Any, figure: go.Figure) -> None:
    """Give a living figure the data and layout of another with as many traces, in one step."""
    if len(widget.data) != len(figure.data):
        raise ValueError(f"a living figure keeps its traces: it has {len(widget.data)}, the new one {len(figure.data)}")
    with widget.batch_update():
        for old, new in zip(widget.data, figure.data, strict=True):
            old.update(new.to_plotly_json(), overwrite=False)
        widget.layout.update({**figure.layout.to_plotly_json(), "width": WIDE}, overwrite=True)
