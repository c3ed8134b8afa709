"""The figures of `bench growth`: cost over the number of tokens on logarithmic axes, one figure per family."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from linviz.cost import cost_growth
from linviz.figures.growth import Axis, Trend, trend_lines
from linviz.mechanisms import REGISTRY

from .cost_growth import TAIL, grids_of

STATED = "dot"      # the dash of the stated cost; that of the fitted slope is solid


def growth_figures(curves: Mapping[str, Any]) -> dict[str, go.Figure]:
    """A figure for every family, by the name of its file: points, fitted slopes (solid), stated costs (dotted)."""
    families: dict[str, list[str]] = {}
    for name in curves:
        families.setdefault(REGISTRY[name].family, []).append(name)
    return {f"growth_{family.replace('-', '_')}": _family_figure(family, {name: curves[name] for name in names})
            for family, names in families.items()}


def _family_figure(family: str, curves: Mapping[str, Any]) -> go.Figure:
    figure = trend_lines([line for name, curve in curves.items() for line in mechanism_lines(name, family, curve)],
                         Axis("tokens", log=True), Axis("milliseconds", log=True),
                         title=f"{family}: points are measured, solid lines fitted, dotted lines stated")
    for number, trace in enumerate(figure.data):
        trace.mode, trace.showlegend = "lines" if number % 3 else "markers", number % 3 == 0
    figure.update_layout(height=max(420, 140 + 21 * len(curves)), margin={"r": 250, "t": 60},
                         legend={"orientation": "v", "x": 1.02, "y": 1, "xanchor": "left", "yanchor": "top"})
    return figure


def mechanism_lines(name: str, family: str, curve: Mapping[str, Any]) -> Iterator[Trend]:
    """What was measured, the slope fitted to its end, and the stated cost through the last point."""
    tokens, times = curve["tokens"], curve["milliseconds"]
    title = f"{name}: N^{curve['fitted']:.2f}, stated N^{curve['stated']:.2f}"
    yield Trend(title, name, family, tokens, times)
    middle = float(np.exp(np.mean(np.log(times[-TAIL:])))), float(np.exp(np.mean(np.log(tokens[-TAIL:]))))
    yield Trend(title, name, family, tokens[-TAIL:],
                [middle[0] * (n / middle[1]) ** curve["fitted"] for n in tokens[-TAIL:]], "solid")
    grids = grids_of(tokens)
    yield Trend(title, name, family, tokens,
                [times[-1] / cost_growth(curve["cost"], grid, grids[-1]) for grid in grids], STATED)
