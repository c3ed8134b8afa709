"""The spectrum of one or several maps: how many directions a map really uses.

Nothing is computed here: singular values, cumulative shares, bounds and tolerances are given and drawn.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from . import theme
from .reading_lines import Drawn, Line, spectral_lines

EMPTY = "No spectrum yet."
K = "k, number of the singular value (largest first)"
NEAR = 8  # factor: tolerances nearer than this share a label, so that labels do not overlap
NOTE = {"font": {"size": 12}, "showarrow": False}


def spectrum(lines: Drawn, *, centred: bool = False, of: str = "", title: str = "",
             dark: bool = False) -> go.Figure:
    """Singular values on log axes, one line per map; rank bounds are vertical lines, tolerances horizontal lines.

    lines    a reading (`linviz.read`), a `Line` of given numbers, or several of them; a reading has a line per head
    centred  the mean row is removed from every map; of a `Line` this only states that it was
    of       what the singular values are of, if not the whole map;  title  what is to be seen

    >>> f = spectrum([Line("uniform", "uniform", "content-free", [1.0], bound=1, tolerance=1e-6)])
    >>> f.layout.yaxis.title.text
    'singular value s_k (no unit)'
    """
    lines = spectral_lines(lines, centred=centred)
    part = f" of {of}" * bool(of) + ", mean row removed" * centred
    what, alt = f"singular value s_k{part} (no unit)", _spectrum_alt(f"Singular values on a log axis{part}", lines)
    fig = theme.empty_figure(alt, dark)
    fig.add_traces([_spectrum_trace(line, "s<sub>%{x}</sub> = %{y:.3g}") for line in lines])
    fig.update_layout(xaxis=_index_axis(lines), yaxis=_spectrum_log_axis(what, lines), hovermode="x",
                      title=theme.top_title(title), margin={"t": 84} if title else {})
    _rank_bounds(fig, lines)
    _tolerance_lines(fig, lines)
    return fig


def cumulative(lines: Drawn, *, power: int = 1, centred: bool = False, dark: bool = False) -> go.Figure:
    """Cumulative fraction in the first k singular values: of the sum of s (power 1) or s^2 (power 2, energy).

    lines: as in `spectrum`; the values of a `Line` are these fractions, in 0..1.

    >>> cumulative([Line("uniform", "uniform", "content-free", [1.0])], power=2).layout.yaxis.title.text
    'share of the energy (sum of s^2) in the first k (of 1)'
    """
    if power not in (1, 2):
        raise ValueError(f"power must be 1 (singular values) or 2 (energy), not {power}")
    lines = spectral_lines(lines, power, centred)
    of = {1: "the sum of s", 2: "the energy (sum of s^2)"}[power]
    what = f"share of {of} in the first k" + ", mean row removed" * centred + " (of 1)"
    fig = theme.empty_figure(_spectrum_alt(what[0].upper() + what[1:-7], lines), dark)
    fig.add_traces([_spectrum_trace(line, "first %{x}: %{y:.3g} of 1") for line in lines])
    fig.update_layout(xaxis=_index_axis(lines), yaxis={"title": {"text": what}, "range": [0, 1.03]}, hovermode="x")
    _rank_bounds(fig, lines)
    return fig


def _spectrum_trace(line: Line, hover: str) -> go.Scatter:
    short = len(line.values) <= 64  # few enough for a marker on each
    return go.Scatter(x=list(range(1, len(line.values) + 1)), y=list(line.values), name=line.title,
                      mode="lines+markers" if short else "lines",
                      line=line.line(2), marker=line.marker(6),
                      hovertemplate=f"{hover}<extra>{line.title}</extra>")


def _spectrum_log_axis(title: str, lines: Sequence[Line]) -> dict[str, object]:
    """A log axis from the largest value down to slightly below the level that counts as zero."""
    axis: dict[str, object] = {"title": {"text": title}, "type": "log", "exponentformat": "power", "dtick": 2}
    top = max((max(line.values, default=0.0) for line in lines), default=0.0)
    low = min((line.tolerance for line in lines if line.tolerance), default=0.0)
    if top > 0 and low > 0:
        axis["range"] = [math.log10(low) - 1.2, math.log10(max(top, low)) + 0.5]
    return axis


def _rank_bounds(fig: go.Figure, lines: Sequence[Line]) -> None:
    """A vertical line at every rank bound; maps with the same bound share it, in the hue of the first."""
    for bound, sharing in _group_lines(lines, lambda line: line.bound).items():
        fig.add_shape(type="line", name="bound", x0=bound, x1=bound, y0=0, y1=1, yref="y domain",
                      line={"color": sharing[0].style.hue, "width": 1.2})
        fig.add_annotation(x=math.log10(bound), y=1, yref="y domain", yanchor="bottom",
                           text=f"rank bound {bound}", **NOTE)
    fig.update_layout(margin={"r": 44})


def _tolerance_lines(fig: go.Figure, lines: Sequence[Line]) -> None:
    """A horizontal dotted line at every tolerance: values below count as zero. Near lines share their label."""
    clusters: list[list[Line]] = []
    for tolerance, line in sorted(((line.tolerance, line) for line in lines if line.tolerance), key=lambda at: at[0]):
        colour = line.style.hue
        fig.add_shape(type="line", name="tolerance", y0=tolerance, y1=tolerance, x0=0, x1=1, xref="x domain",
                      line={"color": colour, "width": 1.2, "dash": "dot"})
        near = clusters and tolerance < NEAR * (clusters[-1][-1].tolerance or 0)
        clusters[-1].append(line) if near else clusters.append([line])
    for cluster in clusters:
        text = "counts as zero: " + ", ".join(line.title for line in cluster)
        fig.add_annotation(x=0.005, xref="x domain", y=math.log10(cluster[-1].tolerance or 1), xanchor="left",
                           yanchor="bottom", text=text, **NOTE)


def _group_lines(lines: Sequence[Line], by: Callable[[Line], Any]) -> dict[Any, list[Line]]:
    """Lines grouped by a value they share, in order; lines without the value are left out."""
    groups: dict[Any, list[Line]] = {}
    for line in lines:
        if by(line):
            groups.setdefault(by(line), []).append(line)
    return groups


def _index_axis(lines: Sequence[Line]) -> dict[str, object]:
    """The axis of k: from one to the last value or bound, with a small margin."""
    last = max([1, *(len(line.values) for line in lines), *(line.bound or 1 for line in lines)])
    return {"title": {"text": K}, "type": "log", "dtick": 1, "range": [-0.06, math.log10(last) + 0.06]}


def _spectrum_alt(what: str, lines: Sequence[Line]) -> str:
    if not lines:
        return EMPTY
    return f"{what}. " + " ".join(_line_words(line) for line in lines)


def _line_words(line: Line) -> str:
    if not len(line.values):
        return f"{line.title}: no values."
    bound = "" if line.bound is None else f", rank bound {line.bound}"
    zero = "" if not line.tolerance else f", below {line.tolerance:.2g} counts as zero"
    return f"{line.title}: {len(line.values)} values from {line.values[0]:.3g} to {line.values[-1]:.3g}{bound}{zero}."
