"""The controls of the page Who sees whom, and the query that a click on a frame sets."""
from __future__ import annotations

import streamlit as st

from linviz import clips
from linviz.mechanisms import REGISTRY
from linviz.views.load_trained import model_title

from ..shared.widgets import draw_field, keep_within
from .attention_notes import OTHERS
from .reach_schemes import ATTENTIONS, SCHEMES
from .reach_state import LAYERS, STATE, TRAINED, ReachView, fitting_frames

VIEW, ROLLOUT = "reach_view", "rollout_view"  # the keys of the views
key = STATE.key


def choose_view() -> ReachView:
    """Show the controls in the sidebar; what is chosen."""
    with st.sidebar:
        for side in ("left", "right"):
            st.selectbox(f"Scheme on the {side}", SCHEMES, key=key(side), format_func=lambda name: SCHEMES[name].title)
        st.selectbox("What attends in them", ATTENTIONS, key=key("attention"),
                     format_func=lambda name: REGISTRY[name].title, help=OTHERS)
        if {"window", "shifted"} & {STATE.value(side) for side in ("left", "right")}:
            draw_field(STATE, "side")
        _show_clip()
        _show_query()
        _show_rollout()
        st.button("Reset", on_click=STATE.reset, width="stretch")
    chosen = STATE.read_widgets()
    STATE.write_url()
    return chosen


def _show_clip() -> None:
    st.selectbox("Clip", clips.CLIPS, key=key("source"), format_func=str.capitalize)
    patches = draw_field(STATE, "patches")
    limits = ReachView.limits("frames")
    most = fitting_frames(limits["high"], patches)
    keep_within(key("frames"), limits["low"], most)
    frames = draw_field(STATE, "frames", high=most) if most > limits["low"] else most
    st.caption(f"{frames} frames of {patches} x {patches} are {frames * patches**2:,} patches.")


def _show_query() -> None:
    """The keyboard's way to choose the query; a click on a frame sets the same three numbers."""
    frames, patches = (STATE.value(name) for name in ("frames", "patches"))
    columns = st.columns(3, gap="small")
    for column, (name, most) in zip(columns, {"frame": frames, "row": patches, "column": patches}.items()):
        keep_within(key(name), 1, most)
        column.number_input(name.capitalize(), 1, most, key=key(name), step=1)


def take_click() -> None:
    """A patch was clicked: its frame, row and column go into the widgets. A callback of the view."""
    if pinned := st.session_state[VIEW].query:
        put_query(pinned["query"])


def put_query(query: int) -> None:
    """Ask for a token of the page's clip: only in a callback."""
    grid = STATE.state.grid
    if 0 <= query < len(grid):
        frame, row, column = grid.place(query)
        STATE.put(frame=frame + 1, row=row + 1, column=column + 1)


def _show_rollout() -> None:
    """Which layers are rolled out; the keyboard's way to choose the query of a trained model's clip."""
    st.selectbox("Attention rollout through", [*LAYERS, *TRAINED], key=key("rollout"),
                 format_func=lambda name: LAYERS.get(name) or f"trained: {model_title(name)}")
    if STATE.value("rollout") in TRAINED:
        draw_field(STATE, "asked")


def take_rollout_click() -> None:
    """A patch of the rollouts was clicked: it asks, in the page's clip or in that of the trained model."""
    pinned = st.session_state[ROLLOUT].query
    if pinned and STATE.state.rollout in TRAINED:
        STATE.put(asked=min(max(1, pinned["query"] + 1), ReachView.limits("asked")["high"]))
    elif pinned:
        put_query(pinned["query"])
