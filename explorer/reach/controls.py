"""The controls of the page Who sees whom, and the query that a click on a frame sets."""
from __future__ import annotations

import streamlit as st

from linviz import clips
from linviz.mechanisms import REGISTRY

from . import reach_choice as limits
from .reach_choice import ADDRESS, Choice
from .reach_schemes import ATTENTIONS, SCHEMES

VIEW = "reach_view"  # the view's key
key = ADDRESS.key


def choose() -> Choice:
    """Show the controls in the sidebar; what is chosen."""
    with st.sidebar:
        for side in ("left", "right"):
            st.selectbox(f"Scheme on the {side}", SCHEMES, key=key(side), format_func=lambda name: SCHEMES[name].title)
        st.radio("What attends in them", ATTENTIONS, key=key("attention"), horizontal=True,
                 format_func=lambda name: REGISTRY[name].title)
        if {"window", "shifted"} & {st.session_state[key(side)] for side in ("left", "right")}:
            st.slider("Window side, in patches", *limits.SIDES, key=key("side"))
        _clip()
        _query()
        st.button("Reset", on_click=ADDRESS.reset, width="stretch")
    return ADDRESS.chosen()


def _clip() -> None:
    st.selectbox("Clip", clips.CLIPS, key=key("clip"), format_func=str.capitalize)
    patches = st.slider("Patches per side", *limits.PATCHES, key=key("patches"))
    most = limits.fitting(limits.FRAMES[1], patches)
    _at_most("frames", most)
    frames = st.slider("Frames", limits.FRAMES[0], most, key=key("frames")) if most > limits.FRAMES[0] else most
    st.caption(f"{frames} frames of {patches} x {patches} are {frames * patches**2:,} patches.")


def _query() -> None:
    """The keyboard's way to choose the query; a click on a frame sets the same three numbers."""
    frames, patches = (st.session_state[key(name)] for name in ("frames", "patches"))
    columns = st.columns(3, gap="small")
    for column, (name, most) in zip(columns, {"frame": frames, "row": patches, "column": patches}.items()):
        _at_most(name, most)
        column.number_input(name.capitalize(), 1, most, key=key(name), step=1)


def _at_most(name: str, most: int) -> None:
    st.session_state[key(name)] = min(st.session_state[key(name)], most)


def clicked() -> None:
    """A patch was clicked: its frame, row and column go into the widgets. A callback of the view."""
    pinned = st.session_state[VIEW].query
    grid = st.session_state[ADDRESS.page].grid
    if pinned and 0 <= pinned["query"] < len(grid):
        frame, row, column = grid.place(pinned["query"])
        ADDRESS.put(frame=frame + 1, row=row + 1, column=column + 1)
