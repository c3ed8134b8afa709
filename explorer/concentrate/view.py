"""The live view of the page Concentrate, the numbers of its query, and its files."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from pathlib import PurePosixPath
from typing import Any

import streamlit as st
import torch
from streamlit.delta_generator import DeltaGenerator

from linviz.evidence import has_evidence
from linviz.models import LABEL
from linviz.patch_view.streamlit import patch_view
from linviz.views import OpenView, SourceFile, View
from linviz.views.export.code import view_code
from linviz.views.state import STRENGTHS
from linviz.views.view_heading import GENERAL, Spread, view_heading
from linviz.views.view_panels import memory_sentence

from ..shared import chapter_links, export_buttons, number_tables
from ..shared.live_state import query_words
from ..shared.scenes import KeyedPanel, Scene, sample_scene
from ..shared.widgets import escape_markdown, show_warnings
from . import own_file
from .concentrate_state import STATE
from .divergence_panel import compared_panels, open_pair, show_divergence
from .fixation_panel import fixation_panel
from .painted_panel import show_painted
from .panel_work import panels_at, scene_results, view_blob, view_width
from .visit import Visit
from .what_fits import page_grid

HOW = ("Move over a picture: it is lit by the attention of the patch under the pointer. Click to keep that "
       "patch, and up to two more{gate}. Alt+click on another patch shows how its weight comes about.")
FLOOR = ("The floor is a constant that is added to every feature of relu. In models trained to see motion, "
         "relu without it cannot be told apart from softmax. In models trained to copy colours, softmax stays ahead "
         "([Evidence](/evidence)). ")  # a test holds this to the measured claim
ERASED = ("q and k are equal here. At beta = 1, with keys of length 1, a memory that erases would let a patch read "
          "only itself. Keys that describe what is *around* a patch show more. ")
CAVEAT = ("Attention is not explanation: a map says what was mixed, not why "
          "([Jain and Wallace 2019](https://arxiv.org/abs/1902.10186)).")
LEFT_OUT = "Not in these files: {titles}. A panel is saved once its gate is fitted to its end; *Fit again* does it."
CLIPS = (".mp4", ".zip")  # endings of files that only a clip has
NUMBERS = " Numbers, weights and code are those of the gates at strength {strength:g}."


def show_heading(title: DeltaGenerator, view: View) -> None:
    """The title, as it was last time: it follows the numbers; and how to use the page."""
    title.title(st.session_state.get("heading", GENERAL), anchor=False)
    gated = any("+gate" in spec for spec in view.specs)
    st.markdown(HOW.format(gate="; the slider turns the gate on" if gated else ""))


def update_heading(title: DeltaGenerator, panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene,
                   causal: bool) -> None:
    """Say what is to be seen on this picture, from the means over all rows, once they are there."""
    means = [None if panel.waiting else scene_results(here).get(("means", panel.result_key)) for panel in panels]
    maps = [Spread(panel.spec, name, (found or {}).get("effective_tokens"))
            for panel, name, found in zip(panels, titles, means)]
    said = view_heading(maps, len(here.keys) - here.keys.prefix, causal=causal)
    if said != st.session_state.get("heading", GENERAL):
        st.session_state.heading = said
        title.title(said, anchor=False)


def scene_of_view(view: View) -> Scene:
    """The tokens of a view, of a sample or of a person's own file."""
    upload = own_file.find_upload(view.source)
    if upload is not None:
        return own_file.own_scene(view, upload)
    return sample_scene(str(view.source), page_grid(view, None), view.temperature, view.causal, view.keys)


@st.fragment
def show_view(visit: Visit, panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene, view: View) -> None:
    """The live view, the numbers of its query and the weights of its gates: a click runs this part alone."""
    ready, before = not any(panel.waiting for panel in panels), visit.live.look
    query = visit.follow(_message(visit), here)
    with st.container(width=view_width(here.grid, len(panels))):
        patch_view(view_blob(panels, titles, here, ready, visit.live.words), key=_view_key(visit))
    STATE.write_url(**visit.live.values(here.grid, here.query), compare=compared_panels(panels))
    show_warnings(visit.live.problems)
    look = visit.live.look
    if any(getattr(look, name) != getattr(before, name) for name in (*STRENGTHS, "projector")):  # charts follow
        st.rerun()
    measured = panels_at(panels, before, here)
    show_divergence(visit, measured, titles, here)
    show_painted(visit, measured, titles, here)
    floor = any("relu_floor" in spec for spec in view.specs)
    memories = [panel.mechanism.memory for panel in panels]
    erased = torch.equal(here.q, here.k) and any(memory is not None and memory.erase for memory in memories)
    notes = FLOOR * (floor and has_evidence()) + ERASED * erased + CAVEAT
    whose = "your own" if here.data else f"{here.clip.author}, {here.clip.licence}"
    st.caption(f"{escape_markdown(here.clip.title)}: {whose}. What is compared: {here.note}. A gate is {LABEL}. "
               f"{notes} {chapter_links.derived('concentrate')}")
    _show_files(visit, panels, measured, here, view)
    st.header(f"The pinned {query_words(query, here.grid)}, beside the mean of all {len(here.grid):,}", anchor=False)
    means = [None if panel.waiting else scene_results(here).get(("means", panel.result_key)) for panel in measured]
    st.html(number_tables.concentration_table(measured, titles, query, here, means))
    fixation_panel(measured, titles, here, query)


def _message(visit: Visit) -> dict[str, Any] | None:
    """What the view has reported last; nothing where it was not touched since it was made."""
    last = st.session_state.get(_view_key(visit))
    return dict(last.query) if last and last.query else None


def _view_key(visit: Visit) -> str:
    """The view's key: another key makes the view anew."""
    return f"view{visit.round}"


# ------------------------------------------------------------------------------------------------ files


def _show_files(visit: Visit, panels: Sequence[KeyedPanel], measured: Sequence[KeyedPanel], here: Scene,
                view: View) -> None:
    """The buttons, folded, for every panel that is fitted to its end; or why there are none."""
    def inside() -> None:
        done = [visit.has_finished(panel) for panel in panels]
        if why := _why_no_files(visit, sum(done), here):
            st.caption(why)
            return
        shown = list(compress(panels, done))
        opened = open_of_page(visit, shown, list(compress(measured, done)), here, view)
        stem = PurePosixPath(view.source.name).stem if isinstance(view.source, SourceFile) else view.source
        moving = here.grid.T > 1
        endings = {ending: text for ending, text in export_buttons.HOLDS.items() if moving or ending not in CLIPS}
        export_buttons.offer_files(endings, stem, opened, here.data)
        if not all(done):
            late = (panel.title for panel, there in zip(panels, done, strict=True) if not there)
            st.caption(LEFT_OUT.format(titles="; ".join(late)))
        gated = any(panel.gate for panel in shown)
        st.caption(export_buttons.LINK[here.data is not None]
                   + NUMBERS.format(strength=visit.live.look.strength) * gated
                   + memory_sentence(shown, visit.live.look))
        st.code(view_code(opened), "python", height=260)
    export_buttons.show_folded(inside)


def _why_no_files(visit: Visit, finished: int, here: Scene) -> str:
    """Why nothing can be exported now, of so many panels that are fitted to their end; empty where it can."""
    if not finished:
        return "Files can be made when a gate is fitted to its end: wait for it, or fit it again."
    if visit.query < here.grid.prefix:
        return "The query is a token before the picture: click a patch, and files can be made."
    return ""


def open_of_page(visit: Visit, panels: Sequence[KeyedPanel], measured: Sequence[KeyedPanel], here: Scene,
                 view: View) -> OpenView:
    """The page as an open view: nothing is fitted or read again."""
    shown = {(panel.spec, panel.key): panel for panel in panels}
    kept = replace(view, frames=here.grid.T if here.grid.T > 1 else view.frames,
                   specs=tuple(spec for spec, _ in shown), options=tuple(panel.options for panel in shown.values()),
                   query=here.grid.place(visit.query), look=visit.live.look, compare=open_pair(panels))
    return OpenView(kept, here, tuple(measured), tuple(panels))
