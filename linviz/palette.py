"""Every colour, marker and font of linviz, once: for charts, pages, notebooks, slides and the live view.

Hue tells the family, marker the mechanism; so two lines never differ by colour alone. Colour maps come from a closed
list: those that keep their order in grey. JavaScript gets these values with what it draws and types none of them.
"""
from __future__ import annotations

from typing import Any

HUES = {"softmax": "#0072b2", "kernel": "#d55e00", "low-rank": "#009e73", "local": "#cc79a7",
        "content-free": "#8a8a8a", "graph": "#b59f00", "recurrent": "#56b4e9"}
OTHER_HUE = "#888888"  # of a family that is not known
PINS = ("#f0e442", "#56b4e9", "#e8704a")  # of pinned queries: light, middle and dark, also to colour-blind eyes
MARKERS = {
    "softmax": "circle", "uniform": "square", "relu": "triangle-up", "relu_floor": "circle", "linear": "square",
    "efficient": "diamond", "factorized": "pentagon", "nonlocal": "diamond", "linformer": "circle", "performer": "star",
    "local": "circle", "local_global": "square", "aft_full": "triangle-up", "aft_simple": "triangle-down",
    "aft_local": "triangle-left", "aft_conv": "triangle-right", "swin": "cross", "lambda": "hexagon", "additive": "x",
    "kronecker_kv": "square", "kronecker_qkv": "cross", "cosformer": "cross", "vicinity": "hourglass",
    "focused": "hexagon", "retention": "circle", "gla": "square", "mamba2": "diamond", "delta": "triangle-up",
    "gated_delta": "star", "kda": "cross"}
SPARE_MARKERS = ("star-square", "star-diamond", "hexagram", "octagon", "diamond-tall")  # of a person's own mechanism

SEQUENTIAL = {
    "viridis": ("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"),
    "cividis": ("#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dec958", "#fee838"),
    "gray": ("#000000", "#ffffff")}
DIVERGING = ("#0b4f8a", "#5aa0cf", "#f7f7f7", "#f0a35e", "#c04d00")  # negative, nothing, positive
MATH_FONTS = ('"STIX Two Math", "Cambria Math", "Latin Modern Math", "Libertinus Math", "TeX Gyre Termes Math", '
              '"DejaVu Math TeX Gyre", math')  # for MathML: brackets grow only in a font that is made for formulas


def live_colours() -> dict[str, Any]:
    """What the live view paints with: hues of families and of pins, a sequential and a diverging colour map.

    >>> sorted(live_colours())
    ['diverging', 'hues', 'pins', 'sequential']
    """
    return {"hues": HUES, "pins": list(PINS), "sequential": list(SEQUENTIAL["viridis"]), "diverging": list(DIVERGING)}
