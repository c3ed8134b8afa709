"""The look of every chart in linviz, defined once for pages, notebooks and slides.

Hue shows the family, marker the mechanism (`linviz.palette`), dash the gate, so two lines never differ only in
colour. Text is always ink, never a hue.
"""
from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go
import plotly.io as pio

from ..palette import DIVERGING, HUES, MARKERS, OTHER_HUE, SEQUENTIAL, SPARE_MARKERS

DASHES = {"": "solid", "qkv": "dash", "qk": "dashdot", "self": "dot"}
SHARED = {"qkv": "longdash", "qk": "longdashdot", "self": "2px,8px"}

PAPER = {"light": "#ffffff", "dark": "#0e1117"}
INK = {"light": "#1d232b", "dark": "#e9ecef"}  # words and numbers
SOFT = {"light": "#59616b", "dark": "#a9b1ba"}  # less important text: axis titles, notes
LINE = {"light": "#dfe3e8", "dark": "#2b3138"}  # the grid
FONT = "'Source Sans', system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
TEMPLATES = {"light": "linviz", "dark": "linviz_dark"}


@dataclass(frozen=True)
class Style:
    """How one mechanism is drawn: hue (hex), marker and dash in plotly's words."""

    hue: str
    marker: str
    dash: str


def style(spec: str, family: str) -> Style:
    """The style of a spec, the same in every chart. An unknown family or mechanism gets a spare marker.

    >>> style("relu_floor+gate:qk", "kernel")
    Style(hue='#d55e00', marker='circle', dash='dashdot')
    """
    head, _, scope = spec.partition("@")
    name, *extras = head.split("+")
    marker = MARKERS.get(name) or SPARE_MARKERS[zlib.crc32(name.encode()) % len(SPARE_MARKERS)]
    moved = any(extra.startswith("shift") for extra in extras)
    return Style(HUES.get(family, OTHER_HUE), marker + "-open" * moved + "-dot" * bool(scope), _dash_of(extras))


@dataclass(frozen=True)
class Named:
    """What a chart shows of one mechanism: its title, and the spec and family that determine its style."""

    title: str
    spec: str
    family: str

    @property
    def style(self) -> Style:
        """The style of the mechanism."""
        return style(self.spec, self.family)

    def marker(self, size: int, **more: object) -> dict[str, object]:
        """The mechanism's marker, of this size in pixels."""
        return {"symbol": self.style.marker, "size": size, "color": self.style.hue, **more}

    def line(self, width: float) -> dict[str, object]:
        """The mechanism's line, of this width in pixels."""
        return {"color": self.style.hue, "dash": self.style.dash, "width": width}


def _dash_of(extras: list[str]) -> str:
    gate = next((extra.split(":")[1:] for extra in extras if extra.split(":")[0] == "gate"), None)
    if gate is None:
        return DASHES[""]
    sees = next((word for word in gate if word in SHARED), "qkv")
    return (SHARED if "shared" in gate else DASHES)[sees]


def colourscale(name: str) -> list[list[float | str]]:
    """A colour map in plotly's form: viridis, cividis, gray, or diverging (blue, white, orange: put zmid at 0).

    Other maps are refused: their order is lost in grey, or their dark end looks like the page.

    >>> colourscale("gray")
    [[0.0, '#000000'], [1.0, '#ffffff']]
    """
    maps = {**SEQUENTIAL, "diverging": DIVERGING}
    if name not in maps:
        raise ValueError(f"no colour map called {name!r}; there are: {', '.join(maps)}")
    stops = maps[name]
    return [[n / (len(stops) - 1), stop] for n, stop in enumerate(stops)]


def empty_figure(alt: str, dark: bool = False, **layout: object) -> go.Figure:
    """An empty figure in linviz's template; `alt` describes it in words for readers who cannot see it.

    >>> empty_figure("nothing yet").layout.meta["alt"]
    'nothing yet'
    """
    if not alt.strip():
        raise ValueError("a figure needs alt text: one sentence that describes it")
    return go.Figure(layout={"template": TEMPLATES[mode_name(dark)], "meta": {"alt": alt}, **layout})


def mode_name(dark: bool) -> str:
    """The name of the mode: "light" or "dark".

    >>> mode_name(True)
    'dark'
    """
    return "dark" if dark else "light"


def top_title(text: str) -> dict[str, object] | None:
    """A title at the upper edge of a figure, above its legend; None for an empty text."""
    return {"text": text, "y": 1, "yanchor": "top", "yref": "container", "pad": {"t": 8}} if text else None


def level_line(dark: bool) -> dict[str, object]:
    """The dotted line at a level for comparison."""
    return {"color": SOFT[mode_name(dark)], "width": 1, "dash": "dot"}


def add_uprights(fig: go.Figure, levels: Mapping[str, float] | None, line: Mapping[str, object]) -> None:
    """Vertical lines at these positions, each with its name above the axes."""
    for name, x in (levels or {}).items():
        fig.add_vline(x=x, line=line, annotation={"text": name, "yanchor": "bottom", "yref": "y domain", "y": 1,
                                                  "xanchor": "center"})


def _plotly_template(which: str) -> go.layout.Template:
    axis = {"gridcolor": LINE[which], "linecolor": LINE[which], "zerolinecolor": LINE[which], "automargin": True,
            "ticks": "outside", "tickcolor": LINE[which], "tickfont": {"color": SOFT[which]},
            "title": {"font": {"color": SOFT[which], "size": 13}, "standoff": 8}}
    return go.layout.Template(layout={
        "font": {"family": FONT, "size": 13, "color": INK[which]}, "paper_bgcolor": PAPER[which],
        "plot_bgcolor": PAPER[which], "colorway": list(HUES.values()), "xaxis": axis, "yaxis": axis,
        "title": {"font": {"size": 16}, "x": 0, "xref": "container", "xanchor": "left"},
        "margin": {"l": 56, "r": 16, "t": 16, "b": 48}, "hoverlabel": {"font": {"family": FONT}},
        "legend": {"orientation": "h", "y": 1.08, "yanchor": "bottom", "x": 0, "bgcolor": "rgba(0,0,0,0)"},
        "colorscale": {"sequential": colourscale("viridis"), "diverging": colourscale("diverging")},
        "annotationdefaults": {"font": {"color": SOFT[which], "size": 12}, "showarrow": False},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": SOFT[which], "activecolor": INK[which]}})


for _mode, _name in TEMPLATES.items():
    pio.templates[_name] = _plotly_template(_mode)
