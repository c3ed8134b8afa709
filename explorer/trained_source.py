"""Where the q, k and v of the page Concentrate come from: descriptors of patches, or trained models.

The switch stands on both sides of the page. Nothing of the trained models is imported before they are asked for.
"""
from __future__ import annotations

import streamlit as st

FIELD, KEY = "source", "trained_source"  # the address's parameter; the widget's key
SOURCES = ("descriptors", "trained")


def trained() -> bool:
    """Whether trained models are asked for. On the first run of a visit the address says so."""
    if FIELD not in st.session_state:
        asked = st.query_params.get(FIELD, "descriptors")
        st.session_state[FIELD] = asked if asked in SOURCES else "descriptors"
        if st.session_state[FIELD] == "descriptors" and FIELD in st.query_params:
            del st.query_params[FIELD]
            st.session_state.no_source = asked not in SOURCES
    st.session_state.setdefault(KEY, st.session_state[FIELD])  # the widgets of another page were forgotten
    return bool(st.session_state[FIELD] == "trained")


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
    st.query_params.clear()
    st.session_state.pop("written", None)  # nobody went back or forward
    if "visit" in st.session_state:
        st.session_state.visit.desk.want({})  # nobody waits for its fits
