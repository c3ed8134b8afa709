"""What a notebook stores of a figure: its data, and its alt text for readers that cannot draw figures."""
from __future__ import annotations

import json
from typing import Any

import plotly.graph_objects as go

PLOTLY = "application/vnd.plotly.v1+json"
CONFIG = {"displayModeBar": False, "responsive": True}


def mime_bundle(figure: go.Figure) -> dict[str, Any]:
    """A figure as a notebook's output: JupyterLab draws it with its own plotly, without a network.

    >>> mime_bundle(go.Figure(layout={"meta": {"alt": "an empty figure"}}))["text/plain"]
    'an empty figure'
    """
    drawn = json.loads(figure.to_json())
    return {PLOTLY: {**drawn, "config": CONFIG}, "text/plain": (figure.layout.meta or {}).get("alt", "")}
