"""The view as one HTML file that opens by double-click, without linviz and without a network."""
from __future__ import annotations

from ..models import LABEL
from ..view import html
from .opening import Opened
from .pictures import credit
from .seen import heading

TEXT = """Move over the picture: each panel is the same picture, lit by the attention of the patch under your hand. A
click pins a patch, the arrow keys move it. What you see is {note}.{gates} Attention is not explanation: what a patch
looks at need not be what decides (Jain and Wallace 2019). {credit}"""


def page(opened: Opened) -> str:
    """The page, on the pinned patch; it holds the frames as JPEG and the maps in half precision, not the state.

    >>> from linviz.record import View
    >>> page(View("coffee", patches=7, specs=("uniform",)).open()).startswith("<!doctype html>")
    True
    """
    view, clip = opened.view, opened.clip
    gates = f" Gates are {LABEL}." if any(shown.gate for shown in opened.shown) else ""
    text = TEXT.format(note=opened.note, gates=gates, credit=credit(clip))
    look = view.look.asked(opened.grid.T) | {"frame": opened.frame}
    return html(opened.panels, opened.picture, opened.grid, query=opened.query, title=heading(view.specs, view.causal),
                text=text, intro=view.look.strength == 1, tracks=opened.tracks, **look)
