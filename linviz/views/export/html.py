"""The view as one HTML file that opens by double-click, without linviz and without a network."""
from __future__ import annotations

from typing import Any

from ...models import LABEL
from ...patch_view import Panel, html
from ..load import Opened
from ..sight import Sight
from ..trained import Trained
from .pictures import credit

TEXT = """Move over the picture: each panel is the same picture, lit by the attention of the patch under your hand. A
click pins a patch, the arrow keys move it. What you see is {note}.{gates} Attention is not explanation: what a patch
looks at need not be what decides (Jain and Wallace 2019). {credit}"""


def page(opened: Opened) -> str:
    """The page, on the pinned patch; it holds the frames as JPEG and the maps in half precision, not the state.

    >>> from linviz.views import View
    >>> page(View("coffee", patches=7, specs=("uniform",)).open()).startswith("<!doctype html>")
    True
    """
    view = opened.view
    gates = f" Gates are {LABEL}." if any(shown.gate for shown in opened.shown) else ""
    text = TEXT.format(note=opened.note, gates=gates, credit=credit(opened.clip))
    return told_by(opened, opened.panels, text, intro=view.look.strength == 1, tracks=opened.tracks)


def of_trained(seen: Trained) -> str:
    """The page of a view of trained models."""
    text = f"{seen.words} {seen.made} {credit(seen.clip)}"
    return told_by(seen, [one.panel for one in seen.shown], text)


def told_by(sight: Sight, panels: list[Panel], text: str, **more: Any) -> str:
    """Any view's panels under its heading and a text, as its look has them."""
    look = sight.look.asked(sight.grid.T) | {"frame": sight.frame}
    return html(panels, sight.picture, sight.grid, query=sight.query, title=sight.heading, text=text,
                outline=sight.outline, **look, **more)
