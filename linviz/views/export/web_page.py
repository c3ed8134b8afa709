"""The view as one HTML file that opens by double-click, without linviz and without a network."""
from __future__ import annotations

from typing import Any

from ...models import LABEL
from ...patch_view import Panel, view_html
from ..drawable import Drawable
from ..trained_panels import OpenTrained
from ..view_panels import OpenView
from .panel_pictures import credit_line

TEXT = """Move over the picture: each panel is the same picture, lit by the attention of the patch under the pointer. A
click pins a patch, up to three of them, and the arrow keys move the last one. Alt+click on another patch shows how its
weight comes about. The queries and keys are {note}.{gates} Attention is not explanation:
what a patch looks at need not be what decides (Jain and Wallace 2019). {credit}"""


def view_page(opened: OpenView) -> str:
    """The page, opened on the pinned patch. It holds the frames as JPEG and the maps in half precision, not the state.

    >>> from linviz.views import View, open_view
    >>> view_page(open_view(View("coffee", patches=7, specs=("uniform",)))).startswith("<!doctype html>")
    True
    """
    gates = f" Gates are {LABEL}." if any(panel.gate for panel in opened.panels) else ""
    text = TEXT.format(note=opened.tokens.note, gates=gates, credit=credit_line(opened.clip)) + opened.left_out_words
    return _page(opened, opened.live_panels, text, intro=opened.look.strength == 1, tracks=opened.tracks)


def trained_page(opened: OpenTrained) -> str:
    """The page of a view of trained models."""
    text = f"{opened.guide} {opened.provenance} {credit_line(opened.clip)}"
    return _page(opened, [panel.live_panel for panel in opened.panels], text)


def _page(opened: Drawable, panels: list[Panel], text: str, **more: Any) -> str:
    look = opened.look.as_words(opened.grid.T) | {"frame": opened.frame}
    return view_html(panels, opened.picture, opened.grid, query=opened.query, title=opened.heading, text=text,
                outline=opened.outline, **look, **more)
