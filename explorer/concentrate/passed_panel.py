"""The panel of memories: the spectrum of what the clip so far can still tell the rest."""
from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from linviz import figures
from linviz.views.passed_memory import (
    PASSED,
    PassedMemory,
    border_at,
    border_title,
    border_words,
    memory_borders,
    passed_memories,
)

from ..shared.scenes import KeyedPanel, Scene
from ..shared.widgets import escape_markdown, is_dark, show_figure
from .panel_work import scene_results

WHAT = ("Every weight of a later patch on an earlier one goes through the memory, which holds D numbers for each "
        "channel of v. The block A[t:, :t] of the map has all these weights, so its rank is at most D, however long "
        "the clip is.")


@st.fragment
def passed_panel(panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene, query: int) -> None:
    """Slider, chart and a sentence for each memory; nothing where no panel is one, or the clip has no border."""
    memories = [(panel, title) for panel, title in zip(panels, titles, strict=True) if panel.reading.mechanism.memory]
    borders = memory_borders(here.grid)
    if not memories or not borders:
        return
    st.header("What the clip so far can still tell the rest", anchor=False)
    border = _choose_border(borders, here, query)
    found = [one for panel, title in memories for one in _passed(panel, title, border, here)]
    lines = [one.line for one in found if one.line]
    if lines:
        fig = figures.spectrum(lines, of=PASSED, title=border_title(border, here.grid), dark=is_dark())
        show_figure(fig, "passed", height=360)
    st.caption(escape_markdown(" ".join([*(one.sentence for one in found), WHAT])))


def _choose_border(borders: list[int], here: Scene, query: int) -> int:
    """Where the clip is cut in two: at first before the pinned patch's frame, or row."""
    if len(borders) == 1:
        return borders[0]
    place = here.grid.place(max(query, here.grid.prefix))
    if st.session_state.get("passed_border") not in borders:
        st.session_state.passed_border = border_at(place, here.grid)
    return int(st.select_slider("The clip is cut", borders, key="passed_border",
                                format_func=lambda border: border_words(border, here.grid)))


def _passed(panel: KeyedPanel, title: str, border: int, here: Scene) -> list[PassedMemory]:
    """What one panel passes over the border, computed once."""
    key = ("passed", border, title, panel.result_key)
    found: list[PassedMemory] = scene_results(here).keep(key, lambda: list(passed_memories([panel], [title], border)))
    return found
