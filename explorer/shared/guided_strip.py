"""The strip above a page: guided steps of a first visit, or a step of a guided tour, with the buttons that go on."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from linviz.patch_view import module_source
from linviz.patch_view.blob import encode_blob

from .guided_tours import ask_step, strip_content

_component = st.components.v2.component("linviz_guided_steps", js=module_source(
    Path(__file__).parent / "guided_steps.js"))
STRIP = "guided_steps"  # the key of the strip


def show_tour(page: str, waiting: Sequence[bool] = ()) -> bool:
    """The step of the tour that a visitor follows; whether there is one on this page.

    waiting  of each panel of a live view, whether its gate is still being fitted: its numbers are not to be read
    """
    content = strip_content(page, waiting)
    if content is not None:
        show_strip(content)
    return content is not None


def show_strip(content: dict[str, Any]) -> None:
    """Draw it: its sentences, and what the browser fills in."""
    _component(data=encode_blob(content, {}), key=STRIP, on_tour_change=_take_tour)


def _take_tour() -> None:
    """A button of a tour was pressed: a callback."""
    asked = st.session_state[STRIP].tour
    if asked:
        ask_step(asked["name"], asked["at"])
