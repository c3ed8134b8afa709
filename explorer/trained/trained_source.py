"""Where the q, k and v of the page Concentrate come from: descriptors of patches, or trained models.

The switch stands on both sides of the page. Nothing of the trained models is imported before they are asked for.
"""
from __future__ import annotations

import time

import streamlit as st

from ..shared.history import LATE

FIELD, KEY = "source", "trained_source"  # the address's parameter; the widget's key
SOURCES = ("descriptors", "trained")
SEEN, TURNED = "source_seen", "source_turned"  # the address has told of the source; when it was turned


def trained() -> bool:
    """Whether trained models are asked for: the address says so when a visit begins, and on the way back."""
    state, asked = st.session_state, st.query_params.get(FIELD, "descriptors")
    if FIELD not in state:
        state[FIELD] = asked if asked in SOURCES else "descriptors"
        if state[FIELD] == "descriptors" and FIELD in st.query_params:
            del st.query_params[FIELD]
            state.no_source = asked not in SOURCES
    elif state.get(KEY) == state[FIELD] != asked and asked in SOURCES and _settled():
        state[FIELD] = state[KEY] = asked
    state[SEEN] = state.get(SEEN) or asked == state[FIELD]
    state.setdefault(KEY, state[FIELD])  # the widgets of another page were forgotten
    return bool(state[FIELD] == "trained")


def _settled() -> bool:
    """Whether the address has told of this source before, and no older one can still be on its way."""
    return bool(st.session_state.get(SEEN)) and time.monotonic() - st.session_state.get(TURNED, 0.0) > LATE


def said() -> list[str]:
    """A sentence on a source that the address named and that there is not; once."""
    if st.session_state.pop("no_source", False):
        return [f"The source in the address has no effect: it takes one of {', '.join(SOURCES)}."]
    return []


def switch() -> None:
    """The switch, at the head of the sidebar."""
    with st.sidebar:
        st.segmented_control("q, k and v are made from", SOURCES, key=KEY, required=True, on_change=_turn,
                             help="Descriptors: colours and edges of patches. Trained: what small video transformers "
                                  "have learned to ask of a clip.")


def _turn() -> None:
    """The address is that of one source alone: the new page writes its own."""
    st.session_state[FIELD] = st.session_state[KEY]
    st.session_state[SEEN], st.session_state[TURNED] = False, time.monotonic()
    st.query_params.clear()
    if "history" in st.session_state:
        st.session_state.history.forget()
    if "visit" in st.session_state:
        st.session_state.visit.desk.want({})  # nobody waits for its fits
