"""Distributions over many clips: per layer and head, mechanisms side by side, with n and the interval of the mean.

Nothing is computed here: quartiles, means and intervals are given.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme

ROOM = 0.84     # of the distance between two places
MANY = 4        # places: with more, their names are short


@dataclass(frozen=True)
class Distribution(theme.Named):
    """One mechanism at every place: by place, how many clips, the mean with its interval, and the five quartiles.

    A place where the mechanism has no number is left out. An interval of one clip is NaN and is not drawn.
    """

    places: Sequence[str]
    n: Sequence[int]
    mean: Sequence[float]
    interval: Sequence[tuple[float, float]]
    quartiles: Sequence[tuple[float, float, float, float, float]]


def distribution_chart(rows: Sequence[Distribution], axis: str, *, title: str = "", dark: bool = False) -> go.Figure:
    """A box per place and mechanism (quartiles, whiskers to the extremes), and the mean with its 95 % interval.

    >>> soft = Distribution("softmax", "softmax", "softmax", ["layer 1, head 1"], [3], [2.0], [(1.0, 3.0)],
    ...                     [(1.0, 1.5, 2.0, 2.5, 3.0)])
    >>> fig = distribution_chart([soft], "entropy (bits)")
    >>> fig.layout.xaxis.ticktext, fig.data[1].error_y.array
    (('layer 1, head 1<br>n = 3',), (1.0,))
    """
    places = list(dict.fromkeys(place for row in rows for place in row.places))
    fig = theme.empty_figure(distribution_words(rows, axis), dark, height=430, margin={"t": 84, "b": 72})
    for number, row in enumerate(rows):
        x = [places.index(place) + box_offset(number, len(rows)) for place in row.places]
        fig.add_trace(_boxes(row, x, 0.8 * ROOM / len(rows)))
        fig.add_trace(_means(row, x))
    fig.update_layout(title=theme.top_title(title), hovermode="closest", xaxis=place_axis(rows, places),
                      yaxis={"title": axis, "zeroline": False, "rangemode": "tozero"})
    return fig


def place_axis(rows: Sequence[Distribution], places: Sequence[str]) -> dict[str, object]:
    """The axis of places: each with its n, or, where there are many, in short, and n in the title if it is the same.

    >>> one = Distribution("a", "a", "", [f"layer {n}, head 1" for n in range(1, 6)], [3] * 5, [0.0] * 5, [], [])
    >>> axis = place_axis([one], one.places)
    >>> axis["ticktext"][:2], axis["title"]
    (['1.1', '2.1'], 'layer.head, n = 3')
    """
    counts = [count_words(rows, place) for place in places]
    short, same = len(places) > MANY, len(set(counts)) == 1
    names = [place.replace("layer ", "").replace(", head ", ".") for place in places] if short else places
    ticks = list(names) if short and same else [f"{name}<br>{count}" for name, count in zip(names, counts)]
    return {"tickvals": list(range(len(places))), "range": [-0.5, len(places) - 0.5], "zeroline": False, "tickangle": 0,
            "ticktext": ticks, "title": f"layer.head{f', {counts[0]}' * same}" if short else ""}


def box_offset(number: int, count: int) -> float:
    """Where the box of a mechanism stands beside its place.

    >>> [round(box_offset(n, 2), 2) for n in range(2)]
    [-0.21, 0.21]
    """
    return ROOM * ((number + 0.5) / count - 0.5)


def count_words(rows: Sequence[Distribution], place: str) -> str:
    """How many clips are behind the boxes of a place: one number, or the least and the most."""
    counts = sorted({n for row in rows for at, n in zip(row.places, row.n) if at == place})
    return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"


def distribution_words(rows: Sequence[Distribution], axis: str) -> str:
    """The chart in words: every mean with its interval."""
    said = [f"{row.title}: " + "; ".join(
        f"{place} {mean:.3g}" + ("" if math.isnan(low) else f" ({low:.3g} to {high:.3g})") + f", n = {n}"
        for place, n, mean, (low, high) in zip(row.places, row.n, row.mean, row.interval, strict=True)) + "."
        for row in rows]
    return f"{axis[0].upper()}{axis[1:]} over many clips: means with their 95 % intervals. {' '.join(said)}"


def fill_colour(row: Distribution) -> str:
    """The inside of a box: empty without a gate, tinted with one, so that colour and marker are not all that differs.

    >>> fill_colour(Distribution("relu", "relu", "kernel", [], [], [], [], []))
    'rgba(0,0,0,0)'
    """
    if "+gate" not in row.spec:
        return "rgba(0,0,0,0)"
    red, green, blue = (int(row.style.hue[n:n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.35)"


def _boxes(row: Distribution, x: list[float], width: float) -> go.Box:
    least, first, median, third, most = zip(*row.quartiles, strict=True)
    return go.Box(x=x, lowerfence=least, q1=first, median=median, q3=third, upperfence=most, width=width,
                  name=row.title, line={"color": row.style.hue, "width": 1}, fillcolor=fill_colour(row),
                  legendgroup=row.title, showlegend=False, hoverinfo="y")


def _means(row: Distribution, x: list[float]) -> go.Scatter:
    reach = [None if math.isnan(high) else high - mean for mean, (_, high) in zip(row.mean, row.interval)]
    return go.Scatter(x=x, y=list(row.mean), mode="markers", name=row.title, legendgroup=row.title,
                      marker=row.marker(9),
                      error_y={"array": reach, "color": row.style.hue, "width": 4, "thickness": 2},
                      text=[f"{place}, n = {n}" for place, n in zip(row.places, row.n)],
                      hovertemplate="%{text}<br>mean %{y:.3g}<extra></extra>")
