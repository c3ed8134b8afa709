"""What trained models show: accuracies with their intervals, learning curves, and what goes with accuracy.

Nothing is computed here: means, intervals and bands are arguments. The alt text repeats these numbers.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from . import theme

HIGH = 380  # pixels from 0 % to 100 % accuracy in a scatter


@dataclass(frozen=True)
class Arm(theme.Named):
    """One arm: its title, spec and family, the values of its seeds, their mean and its interval, all in 0..1."""

    values: Sequence[float]
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Band(theme.Named):
    """A learning curve: accuracy y over steps x, low and high are the lowest and the highest seed."""

    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Point(theme.Named):
    """One model or arm of a scatter: what its maps measure, by name, and its accuracy in 0..1.

    at: by measure, the position of the middle of its label, in pixels to the right of the point and above it. A point
    without an entry has no label. A label that is not exactly beside or above its point gets a line to it.
    """

    measures: Mapping[str, float]
    accuracy: float
    at: Mapping[str, Sequence[float]] = field(default_factory=dict)


def interval_chart(arms: Sequence[Arm], *, levels: Mapping[str, float] | None = None, score: str = "",
                   dark: bool = False) -> go.Figure:
    """One row per arm, the first on top: one dot per seed, a tick for the mean, a line for the interval.

    levels: vertical lines, by name. score: what is measured, if it is not accuracy; its numbers are no percentages.

    >>> interval_chart([Arm("relu", "relu", "kernel", [0.7, 0.8], 0.75, 0.6, 0.9)]).layout.xaxis.title.text
    'accuracy on held-out clips'
    """
    form, what = (".3f", score) if score else (".1%", "accuracy on held-out clips")
    numbers = " ".join(f"{a.title}: {a.mean:{form}}, interval {a.low:{form}} to {a.high:{form}}." for a in arms)
    fig = theme.empty_figure(f"{what[0].upper()}{what[1:]}, one row per variant. {numbers}", dark,
                             height=110 + 38 * len(arms), margin={"t": 30})
    for arm in arms:
        fig.add_scatter(x=[arm.low, arm.high], y=[arm.title] * 2, mode="lines", hoverinfo="skip", showlegend=False,
                        line={"color": arm.style.hue, "width": 3})
        fig.add_scatter(x=[arm.mean], y=[arm.title], mode="markers", hoverinfo="skip", showlegend=False,
                        marker={"symbol": "line-ns-open", "size": 20, "color": theme.INK[theme.mode_name(dark)],
                                "line": {"width": 2}})
        fig.add_scatter(x=list(arm.values), y=[arm.title] * len(arm.values), mode="markers", showlegend=False,
                        name=arm.title, hovertemplate=f"%{{x:{form}}}<extra>{arm.title}</extra>",
                        marker=arm.marker(9, opacity=0.75))
    theme.add_uprights(fig, levels, theme.level_line(dark))
    axis = {"title": what, "tickformat": ".1f", "zeroline": False} if score else _percent_axis(what)
    fig.update_layout(xaxis=axis, yaxis={
        "categoryorder": "array", "categoryarray": [a.title for a in arms][::-1], "showgrid": True, "ticks": ""})
    return fig


def learning_curves(bands: Sequence[Band], *, chance: float | None = None, dark: bool = False) -> go.Figure:
    """Accuracy over steps: the mean of the seeds as a line, from the lowest to the highest seed as a band.

    >>> band = Band("relu", "relu", "kernel", [50, 100], [0.1, 0.5], [0.1, 0.4], [0.1, 0.6])
    >>> learning_curves([band]).layout.xaxis.title.text
    'training steps'
    """
    numbers = " ".join(f"{b.title}: {b.y[0]:.1%} at step {b.x[0]:g}, {b.y[-1]:.1%} at step {b.x[-1]:g}." for b in bands)
    fig = theme.empty_figure(f"Accuracy on held-out clips over training steps. {numbers}", dark, height=400,
                             margin={"t": 60})
    for band in bands:
        for edge, fill in ((band.low, None), (band.high, "tonexty")):
            fig.add_scatter(x=list(band.x), y=list(edge), mode="lines", line={"width": 0, "color": band.style.hue},
                            fill=fill, fillcolor=_pale_colour(band.style.hue), hoverinfo="skip", showlegend=False)
        fig.add_scatter(x=list(band.x), y=list(band.y), name=band.title, mode="lines+markers",
                        line=band.line(2.5), marker=band.marker(8),
                        hovertemplate="step %{x}: %{y:.1%}<extra>" + band.title + "</extra>")
    if chance is not None:
        fig.add_hline(y=chance, line=theme.level_line(dark),
                      annotation={"text": "chance", "xanchor": "right", "yanchor": "bottom"})
    fig.update_layout(legend={"traceorder": "normal"}, xaxis={"title": "training steps", "zeroline": False},
                      yaxis=_percent_axis("accuracy on held-out clips"))
    return fig


def measure_scatter(points: Sequence[Point], measures: Mapping[str, str], *, dark: bool = False) -> go.Figure:
    """Accuracy over measures of the maps, one panel per measure, with one scale of accuracy; a ring means a gate.

    measures: the measures to show, each with the title of its axis.

    >>> fig = measure_scatter([Point("relu", "relu", "kernel", {"entropy": 0.6}, 0.8)], {"entropy": "entropy / log2 N"})
    >>> fig.layout.xaxis.title.text
    'entropy / log2 N'
    """
    numbers = " ".join(f"{p.title}: accuracy {p.accuracy:.1%}, "
                    + ", ".join(f"{title} {p.measures[key]:.2f}" for key, title in measures.items()) + "."
                    for p in points)
    fig = theme.empty_figure(f"Accuracy over {' and over '.join(measures.values())}. {numbers}", dark, height=HIGH + 80,
                             showlegend=False, margin={"t": 24})
    for n, (key, title) in enumerate(measures.items(), 1):
        fig.add_trace(_gate_rings(points, key, f"x{n}", dark))
        fig.add_traces([_point_trace(point, key, f"x{n}") for point in points])
        for point in points:
            _point_label(fig, point, key, f"x{n}", dark)
        fig.update_layout({f"xaxis{n}": {"title": title, "zeroline": False,
                                         "domain": _panel_domain(n - 1, len(measures)),
                                         "range": padded_range([point.measures[key] for point in points])}})
    fig.update_layout(yaxis=_percent_axis("accuracy on held-out clips"))
    return fig


def padded_range(values: Sequence[float]) -> tuple[float, float]:
    """The range of an axis: a little wider than the values at both ends.

    >>> padded_range([0.0, 10.0])
    (-0.6, 10.6)
    """
    low, high = min(values), max(values)
    more = 0.06 * (high - low or 1)
    return low - more, high + more


def dose_chart(arms: Sequence[Arm], floors: Sequence[float], *, dark: bool = False) -> go.Figure:
    """Accuracy over the floor: one dot per seed, the means as a line with their intervals.

    >>> fig = dose_chart([Arm("relu", "relu", "kernel", [0.7, 0.8], 0.75, 0.6, 0.9)], [0.0])
    >>> fig.layout.xaxis.title.text
    'floor f of relu(x) + f'
    """
    numbers = " ".join(f"Floor {f:g}: {a.mean:.1%}, {a.low:.1%} to {a.high:.1%}." for f, a in zip(floors, arms))
    fig = theme.empty_figure(f"Accuracy over the floor. {numbers}", dark, height=360, showlegend=False)
    ink, hue = theme.INK[theme.mode_name(dark)], theme.HUES["kernel"]
    fig.add_scatter(x=list(floors), y=[a.mean for a in arms], mode="lines+markers", hoverinfo="skip",
                    line={"color": ink, "width": 1.5}, marker={"symbol": "line-ew-open", "size": 18, "color": ink})
    for floor, arm in zip(floors, arms):
        fig.add_scatter(x=[floor, floor], y=[arm.low, arm.high], mode="lines", hoverinfo="skip",
                        line={"color": hue, "width": 3})
        fig.add_scatter(x=[floor] * len(arm.values), y=list(arm.values), mode="markers", name=arm.title,
                        marker={"symbol": arm.style.marker, "size": 9, "color": hue,
                                "opacity": 0.75}, hovertemplate="%{y:.1%}<extra>floor %{x:g}</extra>")
    fig.update_layout(xaxis={"title": "floor f of relu(x) + f", "tickvals": list(floors), "zeroline": False},
                      yaxis=_percent_axis("accuracy on held-out clips"))
    return fig


def _point_trace(point: Point, key: str, axis: str) -> go.Scatter:
    """A point without its label."""
    return go.Scatter(x=[point.measures[key]], y=[point.accuracy], xaxis=axis, yaxis="y", name=point.title,
                      mode="markers", cliponaxis=False, marker=point.marker(10),
                      hovertemplate="%{x:.2f}: %{y:.1%}<extra>" + point.title + "</extra>")


def _gate_rings(points: Sequence[Point], key: str, axis: str, dark: bool) -> go.Scatter:
    """A ring around every point that has a gate, whether its mark is open or full."""
    gated = [point for point in points if "+gate" in point.spec]
    return go.Scatter(x=[p.measures[key] for p in gated], y=[p.accuracy for p in gated], xaxis=axis, yaxis="y",
                      name="gate", mode="markers", cliponaxis=False, hoverinfo="skip",
                      marker={"symbol": "circle-open", "size": 17, "color": theme.INK[theme.mode_name(dark)],
                              "line": {"width": 1.4}})


def _point_label(fig: go.Figure, point: Point, key: str, axis: str, dark: bool) -> None:
    """A point's label at its place, with a line to the point if the label is farther off."""
    if key not in point.at:
        return
    right, up = point.at[key]
    straight = {"xshift": right, "yshift": up} if 0.0 in (right, up) else {
        "showarrow": True, "ax": right, "ay": -up, "arrowhead": 0, "arrowwidth": 1, "standoff": 6,
        "arrowcolor": theme.SOFT[theme.mode_name(dark)]}
    fig.add_annotation(x=point.measures[key], y=point.accuracy, xref=axis, yref="y", text=point.title,
                       xanchor="center", yanchor="middle", font={"size": 11, "color": theme.INK[theme.mode_name(dark)]},
                       **straight)


def _percent_axis(title: str) -> dict[str, object]:
    return {"title": title, "range": [0, 1.02], "tickformat": ".0%", "zeroline": False}


def _panel_domain(n: int, of: int) -> list[float]:
    """The domain of panel n of several, from 0 to 1."""
    return [n / of + 0.03 * (n > 0), (n + 1) / of - 0.03 * (n + 1 < of)]


def _pale_colour(hue: str) -> str:
    """A hue as a transparent colour for plotly.

    >>> _pale_colour("#0072b2")
    'rgba(0, 114, 178, 0.14)'
    """
    red, green, blue = (int(hue[i:i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.14)"
