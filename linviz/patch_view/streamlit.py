"""The view in a Streamlit page (components v2, Streamlit 1.67).

    result = patch_view(blob, key="view")
    result.query                          what a person pinned last, or None before the first pin

Hovering, the slider and playing stay in the browser; Python gets a message when a patch is pinned, and when a
control is released. Quick pins merge into one rerun, so the state carries its own history and no pin is lost.
Bytes travel raw only at the top level of `data`, and are sent again only when they change.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from .source import module_source

_component = st.components.v2.component("linviz_patch_view", js=module_source("host_streamlit.js"))


def patch_view(blob: bytes, key: str, on_query_change: Callable[[], None] | None = None) -> Any:
    """Show a blob made by `linviz.patch_view.pack`; returns a result whose `query` is None or a dict:

    query, frame, strength, mode, ...    every field of the look, as a person left it
    n, trail                        how many pins so far, and the last 64 of them, oldest first

    `key` names the view in the page and must stay the same from run to run; the state is also
    `st.session_state[key].query`, already new inside `on_query_change`. Keep what a person does out of the blob:
    a changed blob is sent again, and the view takes its state.
    """
    if not isinstance(blob, bytes):
        raise TypeError(f"patch_view shows bytes made by linviz.patch_view.pack; got {type(blob).__name__}")
    return _component(data=blob, key=key, on_query_change=on_query_change or _ignore_change)


def _ignore_change() -> None:
    """Streamlit keeps the state only if a callback is given."""
