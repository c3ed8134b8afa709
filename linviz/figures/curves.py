"""Curves and dots of a chapter: weights from largest to smallest, the course of a fit, an ablation with its spread.

Nothing is computed here: the given numbers are drawn, and the alt text repeats them.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme

SIZE = {"height": 370, "margin": {"t": 84}}  # room above the axes for a title and, below it, the legend


@dataclass(frozen=True)
class Curve(theme.Named):
    """One line of a chart: y over x, with the name and style of its mechanism."""

    x: Sequence[float]
    y: Sequence[float]


def weight_curves(curves: Sequence[Curve], *, title: str = "", dark: bool = False) -> go.Figure:
    """Weights of one row, largest first, as multiples of a fair share (1 / S); both axes are logarithmic.

    x counts keys from 1, y is weight x S: 1 is the weight of each key under uniform attention.

    >>> weight_curves([Curve("uniform", "uniform", "content-free", [1, 2], [1.0, 1.0])]).layout.yaxis.title.text
    'weight, in fair shares (a S)'
    """
    said = (f"{c.title}: from {_three_digits(c.y[0])} to {_three_digits(c.y[-1])} fair shares." for c in curves)
    fig = theme.empty_figure("The weights of one row from largest to smallest. " + " ".join(said), dark, **SIZE)
    fig.add_traces([_curve_trace(c, "key %{x}: %{y:.3g} fair shares") for c in curves])
    fig.add_hline(y=1, line=theme.level_line(dark))
    fig.add_annotation(text="a fair share", x=0, xref="paper", xanchor="left", y=0, yanchor="top")  # y: log10 of 1
    fig.update_layout(title=theme.top_title(title), hovermode="x",
                      xaxis={"type": "log", "title": "keys, largest weight first", "tickvals": _weight_ticks(curves)},
                      yaxis={"type": "log", "title": "weight, in fair shares (a S)", "range": [-3.2, 2.7],
                             "tickvals": [0.001, 0.01, 0.1, 1, 10, 100],
                             "ticktext": ["0.001", "0.01", "0.1", "1", "10", "100"]})
    return fig


def _three_digits(x: float) -> str:
    """A number with three digits, and without exponents such as e-12.

    >>> _three_digits(0.0214), _three_digits(1e-9)
    ('0.0214', 'less than 0.0001')
    """
    return f"{x:.3g}" if abs(x) >= 1e-4 or x == 0 else "less than 0.0001"


def _weight_ticks(curves: Sequence[Curve]) -> list[int]:
    most = max((len(c.x) for c in curves), default=1)
    return [n for n in (1, 10, 100, 1000) if n < 0.6 * most] + [most]


def fit_curve(curve: Curve, levels: Mapping[str, float], *, title: str = "", dark: bool = False) -> go.Figure:
    """The course of a fit: divergence in bits over steps, with levels for comparison.

    >>> course = Curve("gate", "relu_floor+gate", "kernel", [0, 9], [2.0, 0.5])
    >>> fit_curve(course, {"no floor": 1.5}).layout.xaxis.title.text
    'steps of the fit'
    """
    said = "".join(f" Level: {name} {y:.3g} bits." for name, y in levels.items())
    alt = f"Divergence from the target over the steps of the fit: {curve.title} from {curve.y[0]:.3g} bits at step " \
          f"{curve.x[0]} to {curve.y[-1]:.3g} bits at step {curve.x[-1]}.{said}"
    fig = theme.empty_figure(alt, dark, height=340, margin={"t": 54})
    fig.add_trace(_curve_trace(curve, "step %{x}: %{y:.3g} bits", markers=True))
    for name, y in levels.items():
        fig.add_hline(y=y, line=theme.level_line(dark),
                      annotation={"text": f"{name}: {y:.2f}", "xanchor": "right", "yanchor": "bottom"})
    fig.update_layout(title=theme.top_title(title), showlegend=False,
                      xaxis={"title": "steps of the fit", "zeroline": False},
                      yaxis={"title": "divergence from softmax KL (bits)", "rangemode": "tozero"})
    return fig


def strength_curves(curves: Sequence[Curve], *, at: float | None = None, title: str = "",
                    dark: bool = False) -> go.Figure:
    """Entropy over the strength of a gate, 0 to 1; `at` marks one strength.

    >>> strength_curves([Curve("logits", "relu_floor+gate", "kernel", [0, 1], [9.5, 7.1])]).layout.yaxis.title.text
    'mean entropy H (bits)'
    """
    said = " ".join(f"{c.title}: {', '.join(f'{y:.3g}' for y in c.y)}." for c in curves)
    grid = ", ".join(f"{x:.3g}" for x in (curves[0].x if curves else ()))
    fig = theme.empty_figure(f"Mean entropy in bits at strengths {grid}. {said}", dark, **SIZE)
    fig.add_traces([_curve_trace(c, "strength %{x:.2f}: %{y:.3g} bits", markers=True) for c in curves])
    if at is not None:
        fig.add_vline(x=at, line={"color": theme.SOFT[theme.mode_name(dark)], "width": 1})
    fig.update_layout(title=theme.top_title(title), xaxis={"title": "strength s of the gate", "zeroline": False},
                      yaxis={"title": "mean entropy H (bits)"})
    return fig


@dataclass(frozen=True)
class Dots(theme.Named):
    """One row of an ablation: every run is a dot, `mean` a tick; `spec` and `family` give its style."""

    values: Sequence[float]
    mean: float


def ablation_dots(rows: Sequence[Dots], *, axis: str, better: str = "", levels: Mapping[str, float] | None = None,
                  title: str = "", dark: bool = False) -> go.Figure:
    """An ablation: one row per variant, one dot per run, a tick for the mean; `levels` are vertical lines.

    The first row is on top. axis: what the dots measure, with its unit; better: which end is better, written beside it.

    >>> row = Dots("gate", "relu_floor+gate", "kernel", [0.3, 0.4], 0.35)
    >>> ablation_dots([row], axis="KL (bits)").layout.xaxis.title.text
    'KL (bits)'
    """
    said = " ".join(f"{r.title}: {_run_spread(r)}." for r in rows)
    lines = "".join(f" Level: {name} {x:.3g}." for name, x in (levels or {}).items())
    alt = f"{axis[0].upper()}{axis[1:]}, one row per variant. {said}{lines}"
    fig = theme.empty_figure(alt, dark, height=136 + 32 * len(rows), margin={"t": 66})
    ink = theme.INK[theme.mode_name(dark)]
    for row in rows:
        fig.add_scatter(x=[row.mean], y=[row.title], mode="markers", showlegend=False, hoverinfo="skip",
                        marker={"symbol": "line-ns-open", "size": 18, "color": ink, "line": {"width": 1.5}})
        fig.add_scatter(x=list(row.values), y=[row.title] * len(row.values), mode="markers", showlegend=False,
                        name=row.title, hovertemplate="%{x:.3g}<extra>" + row.title + "</extra>",
                        marker=row.marker(9, opacity=0.75))
    theme.add_uprights(fig, levels, theme.level_line(dark))
    fig.update_layout(title=theme.top_title(title), xaxis={"title": f"{axis}   {better}".strip(), "zeroline": False},
                      yaxis={"categoryorder": "array", "categoryarray": [r.title for r in rows][::-1], "showgrid": True,
                             "ticks": ""})
    return fig


def _run_spread(row: Dots) -> str:
    if len(row.values) == 1:
        return f"{row.mean:.3g}"
    return f"mean {row.mean:.3g} of {len(row.values)} runs, {min(row.values):.3g} to {max(row.values):.3g}"


def _curve_trace(curve: Curve, hover: str, markers: bool = False) -> go.Scatter:
    return go.Scatter(x=list(curve.x), y=list(curve.y), name=curve.title, mode="lines+markers" if markers else "lines",
                      line=curve.line(2.5), marker=curve.marker(6),
                      hovertemplate=f"{hover}<extra>{curve.title}</extra>")
