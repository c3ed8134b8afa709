"""Charts of concentration: one row counted in several ways, the parts of a row, concentration against rank.

Nothing is computed here: the given numbers are drawn, and the alt text repeats them.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from . import theme
from .curves import Curve


@dataclass(frozen=True)
class Counts(theme.Named):
    """One row of attention (or the mean of many) as numbers of patches, by the name of the count."""

    values: Mapping[str, float]


def count_chart(rows: Sequence[Counts], *, most: int, title: str = "", dark: bool = False) -> go.Figure:
    """Numbers of patches on a log axis from 1 to `most`: one line per count, one marker per row of attention.

    >>> row = Counts("spike", "uniform", "content-free", {"participation": 4.0})
    >>> count_chart([row], most=784).layout.xaxis.title.text
    'as many patches as'
    """
    said = " ".join(f"{r.title}: {', '.join(f'{name} {y:.3g}' for name, y in r.values.items())}." for r in rows)
    names = list(rows[0].values) if rows else []
    fig = theme.empty_figure(f"How many patches a row looks at, of {most}, counted in {len(names)} ways. {said}", dark,
                             height=(130 if len(rows) > 1 else 100) + 46 * len(names),
                             margin={"t": 84 if len(rows) > 1 else 54})
    for row in rows:
        values = list(row.values.values())
        fig.add_scatter(x=values, y=names, mode="markers+text", name=row.title, text=[_short_count(y) for y in values],
                        textposition="top center", cliponaxis=False, hovertemplate="%{y}: %{x:.3g}<extra></extra>",
                        marker=row.marker(11))
    ticks = [n for n in (1, 10, 100, 1000) if n < 0.6 * most] + [most]
    fig.update_layout(title=theme.top_title(title), showlegend=len(rows) > 1,
                      xaxis={"type": "log", "title": "as many patches as", "tickvals": ticks,
                             "range": [-0.12, math.log10(most) + 0.12]},
                      yaxis={"categoryorder": "array", "categoryarray": names[::-1], "ticks": "", "showgrid": True})
    return fig


def parts_chart(x: Sequence[float], shares: Mapping[str, Sequence[float]], *, axis: str,
                at: Mapping[str, float] | None = None, title: str = "", dark: bool = False) -> go.Figure:
    """The parts of a row, stacked to one, over x; the first part has the kernels' hue, the others are grey.

    at: marked positions on x, by name.

    >>> parts_chart([0, 1], {"pair": [1.0, 0.4], "fog": [0.0, 0.6]}, axis="floor").layout.yaxis.title.text
    'share of a row (of 1)'
    """
    said = " ".join(f"{name}: from {y[0]:.2f} to {y[-1]:.2f}." for name, y in shares.items())
    alt = f"Shares of a row, stacked, over {axis} from {x[0]:.2g} to {x[-1]:.2g}. {said}"
    fig = theme.empty_figure(alt, dark, height=360, margin={"t": 84})
    looks = [(theme.HUES["kernel"], ""), ("#a9b1ba", "/"), ("#6c757f", ".")]
    for (name, y), (hue, pattern) in zip(shares.items(), looks, strict=False):
        fig.add_scatter(x=list(x), y=list(y), name=name, stackgroup="row", mode="lines",
                        line={"color": hue, "width": 1}, hovertemplate="%{y:.2f} " + name + "<extra></extra>",
                        fillpattern={"shape": pattern, "fgcolor": theme.PAPER[theme.mode_name(dark)], "bgcolor": hue,
                                     "size": 6})
    theme.add_uprights(fig, at, {"color": theme.INK[theme.mode_name(dark)], "width": 1.5, "dash": "dot"})
    fig.update_layout(title=theme.top_title(title), hovermode="x", xaxis={"title": axis, "zeroline": False},
                      yaxis={"title": "share of a row (of 1)", "range": [0, 1]}, legend={"traceorder": "normal"})
    return fig


@dataclass(frozen=True)
class Point(theme.Named):
    """One map in the plane of concentration and rank; its name is above its marker, or at another position."""

    bits: float
    rank: float
    name_at: str = "top center"


def plane_chart(points: Sequence[Point], trail: Curve | None = None, labels: Sequence[str] = (), *, most: int,
                levels: Mapping[str, float] | None = None, title: str = "", dark: bool = False) -> go.Figure:
    """Mean entropy across, numerical rank up (log, to `most`): one marker per map, a line for a map that changes.

    trail: the line, x in bits, y in ranks; labels: the text at each of its points; levels: ranks drawn as lines across.

    >>> plane_chart([Point("uniform", "uniform", "content-free", 9.6, 1)], most=784).layout.xaxis.title.text
    'mean entropy H (bits)'
    """
    fig = theme.empty_figure(_plane_alt(points, trail, labels, levels or {}), dark, height=430, margin={"t": 54})
    if trail is not None:
        fig.add_scatter(x=list(trail.x), y=list(trail.y), mode="lines+markers+text", text=list(labels),
                        textposition="bottom center", name=trail.title, hovertemplate="%{x:.2f} bits<extra></extra>",
                        line=trail.line(2), marker=trail.marker(8))
    for p in points:
        fig.add_scatter(x=[p.bits], y=[p.rank], mode="markers+text", text=[p.title], textposition=p.name_at,
                        name=p.title, hovertemplate="%{x:.2f} bits, rank %{y}<extra></extra>",
                        marker=p.marker(11))
    for name, y in (levels or {}).items():
        fig.add_hline(y=y, line=theme.level_line(dark))
        fig.add_annotation(text=name, x=1, xref="paper", xanchor="right", y=math.log10(y), yanchor="bottom")
    ticks = [n for n in (1, 4, 16, 64, 256) if n < 0.6 * most] + [most]
    fig.update_layout(title=theme.top_title(title), showlegend=False,
                      xaxis={"title": "mean entropy H (bits)", "zeroline": False},
                      yaxis={"title": "numerical rank r (log)", "type": "log", "tickvals": ticks,
                             "range": [-0.2, math.log10(most) + 0.25]})
    return fig


def _plane_alt(points: Sequence[Point], trail: Curve | None, labels: Sequence[str], levels: Mapping[str, float]) -> str:
    said = [f"{p.title}: {p.bits:.3g} bits, rank {p.rank:g}." for p in points]
    if trail is not None:
        stops = zip(labels, trail.x, trail.y, strict=True)
        steps = (f"{name} {x:.3g} bits, rank {y:g}".strip() for name, x, y in stops)
        said.append(f"{trail.title}: {'; '.join(steps)}.")
    said += [f"Level: {name}, rank {y:g}." for name, y in levels.items()]
    return "Mean entropy across, numerical rank up on a log axis. " + " ".join(said)


def _short_count(x: float) -> str:
    """A count as written beside its marker.

    >>> _short_count(3.9954), _short_count(627.0)
    ('4.0', '627')
    """
    return f"{x:.1f}" if x < 10 else f"{x:.0f}"
