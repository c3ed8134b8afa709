"""The look of every chart in linviz, defined once for pages, notebooks and slides.

Hue shows the family, marker the mechanism, dash the gate, so two lines never differ only in colour. Text is always
ink, never a hue. Colour maps come from a closed list: those that keep their order when printed in grey.
"""
from __future__ import annotations

import zlib
from dataclasses import dataclass

import plotly.graph_objects as go
import plotly.io as pio

HUES = {"softmax": "#0072b2", "kernel": "#d55e00", "low-rank": "#009e73", "local": "#cc79a7",
        "content-free": "#8a8a8a", "graph": "#b59f00"}
MARKERS = {
    "softmax": "circle", "uniform": "square", "relu": "triangle-up", "relu_floor": "circle", "linear": "square",
    "efficient": "diamond", "factorized": "pentagon", "nonlocal": "diamond", "linformer": "circle", "performer": "star",
    "local": "circle", "local_global": "square", "reformer": "diamond", "aft_full": "triangle-up",
    "aft_simple": "triangle-down", "aft_local": "triangle-left", "aft_conv": "triangle-right", "swin": "cross",
    "lambda": "hexagon", "additive": "x", "graph": "circle", "kronecker_kv": "square", "kronecker_qkv": "cross",
    "cosformer": "cross", "vicinity": "hourglass", "focused": "hexagon", "rala": "x", "fastmax": "triangle-down",
    "dape": "star", "gaussian": "pentagon", "keypoint": "bowtie"}
SPARE = ("star-square", "star-diamond", "hexagram", "octagon", "diamond-tall")  # for a user's own mechanism
DASHES = {"": "solid", "qkv": "dash", "qk": "dashdot", "self": "dot"}
SHARED = {"qkv": "longdash", "qk": "longdashdot", "self": "2px,8px"}

PAPER = {"light": "#ffffff", "dark": "#0e1117"}
INK = {"light": "#1d232b", "dark": "#e9ecef"}  # words and numbers
SOFT = {"light": "#59616b", "dark": "#a9b1ba"}  # less important text: axis titles, notes
LINE = {"light": "#dfe3e8", "dark": "#2b3138"}  # the grid
FONT = "'Source Sans', system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
TEMPLATES = {"light": "linviz", "dark": "linviz_dark"}

SEQUENTIAL = {
    "viridis": ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"),
    "cividis": ("#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dec958", "#fee838"),
    "gray": ("#000000", "#ffffff")}
DIVERGING = ("#0b4f8a", "#5aa0cf", "#f7f7f7", "#f0a35e", "#c04d00")  # negative, zero, positive


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
    marker = MARKERS.get(name) or SPARE[zlib.crc32(name.encode()) % len(SPARE)]
    moved = any(extra.startswith("shift") for extra in extras)
    return Style(HUES.get(family, "#8a8a8a"), marker + "-open" * moved + "-dot" * bool(scope), _dash(extras))


def _dash(extras: list[str]) -> str:
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


def figure(alt: str, dark: bool = False, **layout: object) -> go.Figure:
    """An empty figure in linviz's template; `alt` describes it in words for readers who cannot see it.

    >>> figure("nothing yet").layout.meta["alt"]
    'nothing yet'
    """
    if not alt.strip():
        raise ValueError("a figure needs alt text: one sentence that describes it")
    return go.Figure(layout={"template": TEMPLATES[mode(dark)], "meta": {"alt": alt}, **layout})


def mode(dark: bool) -> str:
    """The name of the mode: "light" or "dark".

    >>> mode(True)
    'dark'
    """
    return "dark" if dark else "light"


def _template(which: str) -> go.layout.Template:
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
    pio.templates[_name] = _template(_mode)
