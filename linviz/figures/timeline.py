"""Mechanisms along the years: one lane per family, one dot per mechanism, and the way that led to a chosen one.

Nothing is computed here but places: a dot whose name would run into another stands in the next row of its lane.
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme

ROW, APART = 21, 0.5  # pixels of a row; rows between two lanes
LETTER, GAP = 0.115, 0.3  # in years: a letter of a name, and what its dot takes, on a chart of about 900 pixels
CHOSEN_SIZE, SIZE = 15, 10


@dataclass(frozen=True)
class Dot(theme.Named):
    """One mechanism and its year; `after` is the spec of the one that it changes, "" where there is none."""

    year: int
    after: str = ""


def timeline_chart(dots: Sequence[Dot], lanes: Sequence[str], chosen: str = "", *, dark: bool = False) -> go.Figure:
    """Dots over years, in the order of `lanes` (families) from the top; lanes without a dot are left out.

    chosen: the spec of one dot. It is larger, and a line leads to it through all those that it goes back to. Every
    dot carries its spec as `customdata`.

    >>> dots = [Dot("softmax", "softmax", "softmax", 2017), Dot("linear", "linear", "kernel", 2020, "softmax")]
    >>> f = timeline_chart(dots, ("softmax", "kernel"), "linear")
    >>> [trace.name for trace in f.data], list(f.data[0].x), f.layout.xaxis.title.text
    (['what led to linear', 'softmax', 'kernel'], [2020, 2017], 'year of the paper')
    """
    rows, ticks, ends = _lane_rows(dots, lanes)
    fig = theme.empty_figure(_timeline_alt(dots, lanes), dark, showlegend=False,
                             height=int(ROW * (max(rows.values(), default=0) + 1)) + 88, margin={"t": 10, "b": 46})
    if way := ancestry(dots, chosen):
        fig.add_trace(go.Scatter(x=[d.year for d in way], y=[rows[d.spec] for d in way], mode="lines", opacity=0.5,
                                 name=f"what led to {way[0].title}", hoverinfo="skip",
                                 line={"color": theme.SOFT[theme.mode_name(dark)], "width": 2}))
    fig.add_traces([_lane_trace([d for d in dots if d.family == lane], rows, chosen) for lane in ticks])
    for end in ends[:-1]:
        fig.add_hline(y=end, line={"color": theme.LINE[theme.mode_name(dark)], "width": 1})
    years = [d.year for d in dots] or [2017]
    fig.update_layout(
        xaxis={"title": {"text": "year of the paper"}, "range": (min(years) - 0.6, max(years) + 1.4), "dtick": 1,
               "tickformat": "d", "zeroline": False},
        yaxis={"title": {"text": "family"}, "range": [max(rows.values(), default=0) + 0.8, -0.8], "zeroline": False,
               "tickvals": list(ticks.values()), "ticktext": list(ticks), "showgrid": False, "ticks": ""})
    return fig


def ancestry(dots: Sequence[Dot], spec: str) -> list[Dot]:
    """A dot and those that it goes back to, the newest first; empty where there is no such dot.

    >>> dots = [Dot("a", "a", "", 1), Dot("b", "b", "", 2, "a"), Dot("c", "c", "", 3, "b"), Dot("d", "d", "", 3, "x")]
    >>> [[d.spec for d in ancestry(dots, spec)] for spec in "cdx"]
    [['c', 'b', 'a'], ['d'], []]
    """
    named, way = {d.spec: d for d in dots}, list[Dot]()
    while (one := named.get(spec)) and one not in way:
        way.append(one)
        spec = one.after
    return way


def _lane_rows(dots: Sequence[Dot], lanes: Sequence[str]) -> tuple[dict[str, float], dict[str, float], list[float]]:
    """The row of every dot, from the top, the middle of every lane, and where each lane ends."""
    rows: dict[str, float] = {}
    ticks: dict[str, float] = {}
    ends: list[float] = []
    for lane in lanes:
        first, taken = ends[-1] + APART + APART / 2 if ends else 0.0, list[float]()  # until which year, in each row
        for d in sorted((d for d in dots if d.family == lane), key=lambda d: (d.year, d.title)):
            row = next((n for n, year in enumerate(taken) if year <= d.year), len(taken))
            taken[row:row + 1] = [d.year + GAP + LETTER * len(d.title)]
            rows[d.spec] = first + row
        if taken:
            ticks[lane] = first + (len(taken) - 1) / 2
            ends.append(first + len(taken) - APART + APART / 2)
    return rows, ticks, ends


def _lane_trace(dots: Sequence[Dot], rows: Mapping[str, float], chosen: str) -> go.Scatter:
    sizes = [CHOSEN_SIZE if d.spec == chosen else SIZE for d in dots]
    return go.Scatter(
        x=[d.year for d in dots], y=[rows[d.spec] for d in dots], name=dots[0].family, mode="markers+text",
        text=[f" <b>{d.title}</b>" if d.spec == chosen else f" {d.title}" for d in dots], textposition="middle right",
        customdata=[d.spec for d in dots], hovertemplate="%{text}, %{x}<extra></extra>", cliponaxis=False,
        marker={"symbol": [d.style.marker for d in dots], "color": dots[0].style.hue, "size": sizes},
        selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 1}})


def _timeline_alt(dots: Sequence[Dot], lanes: Sequence[str]) -> str:
    said = []
    for lane in lanes:
        if own := sorted((d for d in dots if d.family == lane), key=lambda d: (d.year, d.title)):
            said.append(f"{lane}: " + ", ".join(f"{d.title} {d.year}" for d in own))
    return f"Mechanisms along the years, one lane per family. {'; '.join(said) or 'There is none'}."
