"""The address of the page Concentrate, its widgets and its view, kept in step, also when the browser goes back.

The address is read when a visitor comes, goes back or goes forward, and brought up to date whenever the page is drawn.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import streamlit as st

from ..shared.history import History, stays
from . import link
from .choice import OPENING, Choice
from .scenes import Scene
from .visit import Visit


def come() -> Visit:
    """This visitor's own things; on coming, and on the way back and forward, the address goes into the widgets."""
    state, stayed = st.session_state, stays("concentrate")
    if "visit" not in state or state.history.moved(stayed, _held()):
        state.setdefault("visit", Visit())
        go(st.query_params.to_dict())
        state.setdefault("history", History()).came(_held())
    for name, value in asdict(state.get("good", OPENING)).items():  # widgets of another page were forgotten
        state.setdefault(name, list(value) if isinstance(value, tuple) else value)
    return state.visit


def go(parameters: Mapping[str, str]) -> None:
    """Everything as parameters say, before any widget is made."""
    found, st.session_state.said = link.from_address(parameters)
    st.session_state.visit.hand.ask(parameters)
    put(found)


def write(visit: Visit, here: Scene | None) -> None:
    """Bring the address up to what is chosen and to what the hand has done; `here` is missing while a file is."""
    hand = visit.hand.told(here.grid, here.query) if here else visit.hand.kept
    st.session_state.history.write(link.to_address(st.session_state.good) | hand, _held())


def message(visit: Visit) -> dict[str, Any] | None:
    """What the view has told last; nothing where it was not touched since it was made."""
    last = st.session_state.get(view_key(visit))
    return dict(last.query) if last and last.query else None


def view_key(visit: Visit) -> str:
    """The view's key: another one makes it anew."""
    return f"view{visit.round}"


def put(choice: Choice) -> None:
    """Set the widgets: only in a callback, or before they are made."""
    for name, value in asdict(choice).items():
        st.session_state[name] = list(value) if isinstance(value, tuple) else value
    st.session_state.good = choice


def _held() -> dict[str, Any]:
    """Where the widgets stand, and what the view has told last."""
    widgets = {name: st.session_state[name] for name in asdict(OPENING) if name in st.session_state}
    return widgets | ({"view": message(st.session_state.visit)} if "visit" in st.session_state else {})
