"""What gates of every form make of every kernel: one panel per layer, and one row of panels per measure.

Nothing is computed here. The alt text repeats each kernel's values without a gate and with the widest gate.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from . import theme

NO_GATE, CONSTANT = "no gate", "constant gate"
FORMS = {NO_GATE: "line-ew", CONSTANT: "x-thin",
         "self, shared": "triangle-up-open", "self": "triangle-up", "QK, shared": "square-open", "QK": "square",
         "QKV, shared": "diamond-open", "QKV": "diamond"}  # in the order in which they stand beside each other
SPAN = 0.72  # the part of a kernel's width that its forms take


@dataclass(frozen=True)
class Point:
    """One kernel with one form of gate on one layer; values by the measure's name, with its unit, as in `levels`."""

    kernel: str
    form: str
    layer: int
    values: Mapping[str, float]


def gate_forms(points: Sequence[Point], levels: Mapping[str, Mapping[int, Mapping[str, float]]], *, title: str = "",
               dark: bool = False) -> go.Figure:
    """Measures (down) by layers (across): every kernel's value without a gate and with each form of it.

    levels: for each measure and layer, horizontal lines by name (softmax itself). One scale per measure.

    >>> point = Point("relu", "QKV", 1, {"entropy (bits)": 4.0})
    >>> gate_forms([point], {"entropy (bits)": {1: {"softmax": 3.9}}}).layout.yaxis.title.text
    'entropy (bits)'
    """
    kernels, layers, measures = list(dict.fromkeys(p.kernel for p in points)), sorted({p.layer for p in points}), levels
    fig = make_subplots(len(measures), len(layers), shared_yaxes=True, shared_xaxes=True, vertical_spacing=0.05,
                        horizontal_spacing=0.02, column_titles=[f"layer {n}" for n in layers],
                        figure=theme.empty_figure(_gates_description(points, levels), dark))
    for down, measure in enumerate(measures, 1):
        fig.update_yaxes(title=measure, col=1, row=down)
        fig.update_yaxes(range=[0, 1.05 * max(p.values[measure] for p in points)], zeroline=False, row=down)
        for across, layer in enumerate(layers, 1):
            here = [p for p in points if p.layer == layer]
            fig.add_traces([_form_trace(form, here, kernels, measure, dark, down == across == 1) for form in FORMS],
                           rows=down, cols=across)
            for name, value in levels[measure].get(layer, {}).items():
                _panel_level(fig, name if across == len(layers) else "", value, down, across, dark)
    fig.update_xaxes(tickvals=list(range(len(kernels))), ticktext=kernels, tickangle=-40, zeroline=False,
                     range=[-0.6, len(kernels) - 0.4])
    top = 120 if title else 84
    return fig.update_layout(height=30 + top + 260 * len(measures), title=theme.top_title(title),
                             margin={"t": top, "r": 96, "b": 96}, legend={"y": 1.07})


def _form_trace(form: str, here: Sequence[Point], kernels: list[str], measure: str, dark: bool,
                legend: bool) -> go.Scatter:
    """The points of one form in one panel, each beside those of the other forms of its kernel."""
    own = [p for p in here if p.form == form]
    shift = SPAN * (list(FORMS).index(form) / (len(FORMS) - 1) - 0.5)
    plain = form in (NO_GATE, CONSTANT)
    ink = theme.INK[theme.mode_name(dark)] if plain else theme.HUES["kernel"]
    return go.Scatter(x=[kernels.index(p.kernel) + shift for p in own], y=[p.values[measure] for p in own], name=form,
                      mode="markers", legendgroup=form, showlegend=legend, customdata=[p.kernel for p in own],
                      marker={"symbol": FORMS[form], "size": 8, "color": ink,
                              "line": {"color": ink, "width": 2 if plain else 1}},
                      hovertemplate="%{customdata}, " + form + ": %{y:.3g}<extra></extra>")


def _panel_level(fig: go.Figure, name: str, value: float, down: int, across: int, dark: bool) -> None:
    """A line across a panel; its name stands beside the last panel."""
    fig.add_hline(y=value, row=down, col=across, line={"color": theme.HUES["softmax"], "width": 1.5, "dash": "dot"})
    if name:
        fig.add_annotation(text=name, x=1, xref="x domain", xanchor="left", xshift=4, y=value, row=down, col=across,
                           font={"color": theme.SOFT[theme.mode_name(dark)]})


def _gates_description(points: Sequence[Point], levels: Mapping[str, Mapping[int, Mapping[str, float]]]) -> str:
    """The figure in words: each kernel without a gate and with the widest gate, layer by layer."""
    words = []
    for measure, of_layer in levels.items():
        words.append(f"{measure[0].upper()}{measure[1:]} of each kernel without a gate and with gates of every form.")
        for p in points:
            if p.form in (NO_GATE, "QKV"):
                words.append(f"Layer {p.layer}, {p.kernel}, {p.form}: {p.values[measure]:.3g}.")
        words += [f"Layer {n}, {name}: {x:.3g}." for n, lines in of_layer.items() for name, x in lines.items()]
    return " ".join(words)
