"""The address of the page Concentrate, its widgets and its view, kept in step, also when the browser goes back.

The address is read when a visitor comes, goes back or goes forward, and brought up to date whenever the page is drawn.
"""
from __future__ import annotations

import time
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from typing import Any

import streamlit as st

from . import link
from .choice import OPENING, Choice
from .scenes import Scene
from .visit import Visit

LATE = 1.0  # seconds for which a browser may still send the address before the last


def come() -> Visit:
    """This visitor's own things; on coming, and on the way back and forward, the address goes into the widgets."""
    if "visit" not in st.session_state or _moved():
        st.session_state.setdefault("visit", Visit())
        there = st.query_params.to_dict()
        go(there)
        state = st.session_state  # none before this address can still be on its way
        state.written, state.before, state.held = there, None, _held()
    for name, value in asdict(st.session_state.get("good", OPENING)).items():  # widgets of another page were forgotten
        st.session_state.setdefault(name, list(value) if isinstance(value, tuple) else value)
    return st.session_state.visit


def go(parameters: Mapping[str, str]) -> None:
    """Everything as parameters say, before any widget is made."""
    found, st.session_state.said = link.from_address(parameters)
    st.session_state.visit.hand.ask(parameters)
    put(found)


def _moved() -> bool:
    """Whether the browser went back or forward, so that the address is not the one that was written last.

    A bare address with no widget alive is that of a page which somebody left: everything stands as it was. Where a
    widget was moved, or the view was touched, it was the hand, and the address is only late: a browser sends the old
    one for a moment, and what runs by itself may send it too.
    """
    state, there = st.session_state, st.query_params.to_dict()
    if "written" not in state or there == state.written or not ("patches" in state or there):
        return False
    if there == state.before and time.monotonic() - state.since < LATE:
        return False
    now = _held()
    return all(now.get(name, value) == value for name, value in state.get("held", {}).items())


def write(visit: Visit, here: Scene | None) -> None:
    """Bring the address up to what is chosen and to what the hand has done; `here` is missing while a file is."""
    state = st.session_state
    address = link.to_address(state.good) | (visit.hand.told(here.grid, here.query) if here else visit.hand.pending)
    if st.query_params.to_dict() != address:
        st.query_params.from_dict(address)
    if address != state.written:
        state.before, state.since = state.written, time.monotonic()
    state.written, state.held = address, _held()


def message(visit: Visit) -> dict[str, Any] | None:
    """What the view has told last; nothing where it was not touched since it was made."""
    last = st.session_state.get(view_key(visit))
    return dict(last.query) if last and last.query else None


def view_key(visit: Visit) -> str:
    """The view's key: another one makes it anew."""
    return f"view{visit.round}"


def put(choice: Choice) -> None:
    for name, value in asdict(choice).items():
        st.session_state[name] = list(value) if isinstance(value, tuple) else value
    st.session_state.good = choice


def _held() -> dict[str, Any]:
    """Where the widgets stand, and what the view has told last."""
    widgets = {name: deepcopy(st.session_state[name]) for name in asdict(OPENING) if name in st.session_state}
    return widgets | {"view": deepcopy(message(st.session_state.visit))}
