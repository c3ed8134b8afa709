"""Two more views of the atlas: mechanisms along the years, and the one line on which four of them lie."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from linviz.mechanisms import FAMILIES
from linviz.patch_view import module_source

from ..shared.frame_pictures import frame_pictures
from ..shared.scenes import sample_scene
from ..shared.warm_start import wait_for_task
from ..shared.widgets import is_dark, show_figure
from .atlas_state import AtlasView
from .card_content import contrast_blob
from .mechanism_cards import Card, counted_cards, mechanism_card
from .mechanism_maps import first_query
from .view import show_sections

HERE = Path(__file__).parent
_line = st.components.v2.component("linviz_contrast", js=module_source(
    HERE / "../shared/frames_page.js", HERE / "contrast.js", HERE / "contrast_slider.js"))
TIMELINE = "atlas_timeline"  # the key of the chart
LEARNED = """**A = 1/N + c (p − 1/N)**, where p is the map of linear attention and c is the contrast of a query. Uniform
attention has c = 0 and linear attention c = 1. InLine has c = z and MALA c = 1 + z, where z grows with the query.

In linear attention the length of a query cancels. InLine and MALA bring it back as contrast: the marks move with the
patch that asks. The price is blue: with c > 1, weights below (1 − 1/c)/N are negative."""


def show_timeline(cards: Sequence[Card], choice: AtlasView, on_dot: Callable[[], None],
                  on_pick: Callable[[], None]) -> None:
    """The cards as dots along the years; under them the chosen card, and the one before it.

    A click sets `st.session_state["atlas_timeline"].selection`.
    """
    wait_for_task(20)  # plotly fails where another thread has imported half of pandas: nothing may be on its way
    from linviz.figures.timeline import Dot, timeline_chart
    dots = [Dot(c.title, c.name, c.family, c.year, c.after) for c in cards if c.year]
    show_figure(timeline_chart(dots, FAMILIES, choice.card, dark=is_dark()), TIMELINE, on_select=on_dot)
    if undated := [c.title for c in cards if not c.year]:
        st.caption(f"Without a paper, and so without a year: {', '.join(undated)}.")
    if not choice.card:
        st.info("Click a dot, or choose a mechanism on the left: its card opens here.")
        return
    c = mechanism_card(choice.card)
    both = [c, *map(mechanism_card, filter(None, [c.after]))]
    title = f"{c.title}, and what it changes: {both[1].title}" if c.after else c.title
    section = {"family": c.family, "title": title, "count": counted_cards(len(both), len(both)), "size": len(both)}
    show_sections(both, [section], choice, on_pick, c.name)


def dotted_card() -> str:
    """The mechanism whose dot was clicked, "" where a click undid that."""
    points: list[Any] = st.session_state[TIMELINE].selection.points
    return str(points[0]["customdata"]) if points else ""


def show_line(choice: AtlasView) -> None:
    """The slider of contrast on the picture of the atlas, with its four names, and what is learned."""
    here = sample_scene(*choice.scene)
    frames = frame_pictures(f"{here.clip.name}, {here.grid.Y} patches", here.grid, here.picture)
    _line(data=contrast_blob(frames, here.clip.alt, here, first_query(choice.scene)), key="atlas_line")
    st.markdown(LEARNED)
