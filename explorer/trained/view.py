"""The view of trained models: the clip as its tokens see it, lit by one layer's attention, model beside model."""
from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st
from PIL import Image

from linviz.patch_view import blob_with_state, pack
from linviz.patch_view.blob import frame_image
from linviz.patch_view.streamlit import patch_view
from linviz.views import TrainedView
from linviz.views.export.code import trained_code
from linviz.views.trained_maps import first_query, moment_pictures
from linviz.views.trained_panels import ModelAnswer, ModelPanel, OpenTrained

from ..shared import chapter_links, export_buttons
from ..shared.live_state import LiveState, query_place
from ..shared.widgets import show_warnings
from .answer_tables import answers_table
from .controls import show_film_buttons, times_played
from .model_answers import ClipKey, answer_key, clip_key, clip_task
from .trained_notes import GUIDE, UNEXPLAINED, map_notes, trained_heading, true_motion
from .trained_state import LIVE, STATE

VIEW = "trained_view"
FILES = {ending: text for ending, text in export_buttons.HOLDS.items() if ending not in (".linviz", ".zip")} | {
    ".mp4": "every moment under its attention.",
    ".csv": "answers, table and query, with state and checkpoint.",
    ".npz": "the query's rows in every layer and head, for numpy."}
LINK = ("The address of this page saves this view, with all that is chosen in it: every linviz has these models and "
        "makes this clip.")
HALF = 400            # tokens: above, numbers travel as float16
MOVIE, PACE, TIMES = 132, 140, 4  # the small film: pixels per side, ms per frame, times it plays: under five seconds
STRIP, ABREAST = 280, 4   # the same at rest: pixels across, frames per row


@st.cache_data(max_entries=32, show_spinner=False)
def film_gif(again: int, *of: Any) -> bytes:
    """The clip in all its frames as a small GIF that plays a few times and stops; `again` makes it another file.

    A GIF, since Streamlit turns every other film into its first frame.
    """
    images = [frame_image(frame).resize((MOVIE, MOVIE), Image.Resampling.BICUBIC) for frame in clip_task(*of).frames[0]]
    out = io.BytesIO()
    images[0].save(out, "GIF", save_all=True, append_images=images[1:], duration=PACE, loop=TIMES - 1,
                   comment=str(again).encode())
    return out.getvalue()


@st.cache_data(max_entries=32, show_spinner=False)
def film_strip(*of: Any) -> bytes:
    """All frames of the clip beside each other in the order of play, four per row: for visitors who want no motion."""
    frames, side = clip_task(*of).frames[0], STRIP // ABREAST
    sheet = Image.new("RGB", (STRIP, -(-len(frames) // ABREAST) * side))
    for n, frame in enumerate(frames):
        image = frame_image(frame).resize((side - 2, side - 2), Image.Resampling.BICUBIC)
        sheet.paste(image, (n % ABREAST * side + 1, n // ABREAST * side + 1))
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


# ------------------------------------------------------------------------------------------------ the clip


def show_clip(view: TrainedView, found: Sequence[ModelAnswer]) -> None:
    """The clip as a film, what is true of it, and what the models answer."""
    of = clip_key(view)
    task = clip_task(*of)
    label = int(task.labels[0])
    left, right = st.columns([1, 1.9], gap="medium")
    said = true_motion(task.classes, label, int(task.truth["digit"][0]), view.order)
    with left.container(key="trained_film"):
        with st.container(horizontal=True):
            _show_film(of, said.replace("*", ""))
            st.container(width=MOVIE).markdown(said)
        show_film_buttons()
    right.html(answers_table(found, task.classes, label, view.order))


def _show_film(of: ClipKey, said: str) -> None:
    """The film; where a browser is asked for less motion, all its frames at rest (style.css shows one of them)."""
    with st.container(key="film_moves", width=MOVIE):
        st.image(film_gif(times_played(), *of), width=MOVIE, alt=f"The clip as a film. {said}")
    with st.container(key="film_rests", width=STRIP):
        st.image(film_strip(*of), width=STRIP, alt=f"The clip's frames in the order of play, {ABREAST} per row. {said}")


# ------------------------------------------------------------------------------------------------ the maps


@st.fragment
def show_view(view: TrainedView, found: Sequence[ModelAnswer], live: LiveState) -> None:
    """The live view: a click runs this part alone."""
    of, shape, last = clip_key(view), found[0].shape, st.session_state.get(VIEW)
    own, before = first_query(clip_task(*of).clip(0), shape), live.look
    live.follow(dict(last.query) if last and last.query else None, shape.grid, own, of)
    patch_view(_view_blob(view, found, live.words), key=VIEW)
    STATE.write_url(**{name: value for name, value in live.values(shape.grid, own).items() if name in LIVE})
    if live.look.projector != before.projector:
        st.rerun()
    show_warnings(live.problems)
    st.caption(f"{map_notes(view, found)} {chapter_links.derived('trained')}")

    def inside() -> None:
        opened = open_of_page(view, found, live)
        export_buttons.offer_files(FILES, f"{view.budget}-clip-{view.clip}", opened)
        st.caption(LINK)
        st.code(trained_code(opened), "python", height=260)
    export_buttons.show_folded(inside)


def open_of_page(view: TrainedView, found: Sequence[ModelAnswer], live: LiveState) -> OpenTrained:
    """The page as an open view: no model is asked again."""
    task = clip_task(*clip_key(view))
    kept = replace(view, query=query_place(live.query, found[0].shape.grid), look=live.look)
    return OpenTrained(kept, task.clip(0), tuple(found), task.classes[int(task.labels[0])],
                       trained_heading(view, found), f"{GUIDE} {UNEXPLAINED}")


def _view_blob(view: TrainedView, found: Sequence[ModelAnswer], words: dict[str, Any]) -> bytes:
    """What the live view draws, and what is asked of it (`LiveState.words`)."""
    keys = tuple(answer_key(view, one.spec) for one in found)
    packed = _packed_view(keys, view.layer, view.head, clip_key(view), tuple(found))
    return blob_with_state(packed, found[0].shape.grid, **words)


@st.cache_data(max_entries=48, show_spinner=False)
def _packed_view(names: Any, layer: int, head: str, of: ClipKey, _found: Sequence[ModelAnswer]) -> bytes:
    clip, shape = clip_task(*of).clip(0), _found[0].shape
    panels = [ModelPanel(one, layer, head).live_panel for one in _found]
    now = replace(clip, frames=moment_pictures(clip.frames, shape.tubelet[0]), mask=None)
    return pack(panels, now, shape.grid, query=first_query(clip, shape), half=len(shape.grid) > HALF,
                title=now.title, outline=_found[0].inked)
