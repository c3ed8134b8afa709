"""The figures of the evidence, drawn from the plain rows that linviz/evidence_data stores."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from . import gate_charts
from .evidence_charts import Arm, Band, Point, dose_chart, interval_chart, learning_curves, measure_scatter


def draw_evidence(data: Mapping[str, Any], *, dark: bool = False) -> go.Figure:
    """The figure that `data` describes: its kind, its rows, and what the kind needs besides.

    >>> row = dict(title="relu", spec="relu", family="kernel", values=[0.7, 0.8], mean=0.75, low=0.6, high=0.9)
    >>> draw_evidence({"kind": "dose", "rows": [row], "floors": [0.0]}).layout.xaxis.title.text
    'floor f of relu(x) + f'
    """
    rows, kind = data["rows"], data["kind"]
    if kind == "intervals":
        arms = [Arm(**row) for row in rows]
        return interval_chart(arms, levels=data["levels"], score=data.get("score", ""), dark=dark)
    if kind == "learning":
        return learning_curves([Band(**row) for row in rows], chance=data["chance"], dark=dark)
    if kind == "scatter":
        return measure_scatter([Point(**row) for row in rows], data["measures"], dark=dark)
    if kind == "dose":
        return dose_chart([Arm(**row) for row in rows], data["floors"], dark=dark)
    if kind == "gates":
        levels = {measure: {int(layer): lines for layer, lines in found.items()}
                  for measure, found in data["levels"].items()}
        return gate_charts.gate_forms([gate_charts.Point(**row) for row in rows], levels, dark=dark)
    raise ValueError(f"no figure of kind {kind!r}; there are: intervals, learning, scatter, dose, gates")
