"""The controls of the page Colours: picture and hints above the view, arms and maps in the sidebar."""
from __future__ import annotations

from typing import Any

import streamlit as st

from linviz.clips.colour_samples import COLOUR_PHOTOGRAPHS

from ..shared.widgets import draw_field
from .colour_pictures import PICTURES
from .colours_state import ARMS, FEWEST, MOST_ARMS, OWN, STATE, ColourView

key = STATE.key
VIEW = "colours_view"  # the view's key
NAMES = {"flower": "Dahlia", "china": "Temple", "hubble": "Deep sky", "camera": "Photographer (grey)",
         "chelsea": "Chelsea the cat", OWN: "Your own picture …"}


def choose_view() -> ColourView:
    """Show the controls; what is chosen."""
    with st.sidebar:
        st.multiselect("Arms side by side, two to four", ARMS, key=key("arms"), format_func=ARMS.__getitem__,
                       max_selections=MOST_ARMS, select_all=False)
        if len(STATE.value("arms")) < FEWEST:
            st.error("Choose two arms or more; one is added until then.")
        draw_field(STATE, "layer")
        st.radio("Head of the maps", ColourView.limits("head")["words"], key=key("head"), horizontal=True,
                 format_func=lambda head: head if head.isdigit() else "mean of all")
        st.button("Reset", on_click=STATE.reset, width="stretch")
    _show_hint_controls()
    if STATE.value("source") == OWN and PICTURES.show_chooser():
        STATE.show_file(PICTURES.current())
        st.rerun()
    return STATE.read_widgets()


def _show_hint_controls() -> None:
    """Picture, share and draw of the hints, in one row over the view."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="colours_controls"):
        st.selectbox("Picture", [*COLOUR_PHOTOGRAPHS, OWN], key=key("source"), on_change=_source_changed, width=200,
                     format_func=lambda name: NAMES.get(name, name.capitalize()))
        st.button("New hints", on_click=_new_hints, width="content", icon=":material/casino:",
                  help="Draw other patches at random. Hints that you have painted go.")
        with st.container(width=300):
            draw_field(STATE, "share")


def take_change() -> None:
    """The view has told of something: hints, pins, or the projector. A callback of the view."""
    told: Any = st.session_state[VIEW].change
    if not told:
        return
    values = {"pins": tuple(told["pins"]), "projector": bool(told["projector"])}
    if told["painted"]:
        values["hints"] = told["hints"]
    try:
        STATE.change(**values)
    except ValueError:  # no browser of ours sends this
        return
    st.session_state[key("tick")] = int(told["tick"])


def heard_tick() -> int:
    """The number of the newest message that the view has sent."""
    return int(st.session_state.get(key("tick"), 0))


def _source_changed() -> None:
    """A file that is still there is shown again."""
    if STATE.value("source") == OWN and PICTURES.find(PICTURES.current()) is not None:
        STATE.show_file(PICTURES.current())


def _new_hints() -> None:
    STATE.change(seed=(STATE.state.seed + 1) % (ColourView.limits("seed")["high"] + 1), hints="")
