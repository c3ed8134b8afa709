"""A page's address, and whether somebody went back or forward in the browser, to another one."""
from __future__ import annotations

import time
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import streamlit as st

SHOWN = "page_shown"  # the page that this visitor saw last
LATE = 1.0  # seconds for which a browser may still send the address before the last


def stays(page: str) -> bool:
    """Whether the run before showed this page, too; from now on this one is shown."""
    before = st.session_state.get(SHOWN)
    st.session_state[SHOWN] = page
    return bool(before == page)


class History:
    """What was written into the address last, and the values of the widgets then: one per page and visitor."""

    def __init__(self) -> None:
        self.held: dict[str, Any] = {}
        self._written: dict[str, str] | None = None
        self._before: dict[str, str] | None = None
        self._since = 0.0

    def moved(self, alive: bool, now: Mapping[str, Any]) -> bool:
        """Whether the browser went back or forward, so that the address is not the one that was written last.

        alive: whether the page was shown before, too. If not, a bare address is that of a page which the visitor left,
        and everything stays as it was. now: the values of its widgets. Where one was moved, the address is only late:
        a browser sends the old one for a moment. What runs by itself may send it, too.
        """
        there = st.query_params.to_dict()
        if self._written is None or there == self._written or not (alive or there):
            return False
        if there == self._before and time.monotonic() - self._since < LATE:
            return False
        return all(now.get(name, value) == value for name, value in self.held.items())

    def came(self, held: Mapping[str, Any]) -> None:
        """Somebody has come to the address that is there: none before it can still be on its way."""
        self._written, self._before, self.held = st.query_params.to_dict(), None, deepcopy(dict(held))

    def write(self, address: dict[str, str], held: Mapping[str, Any]) -> None:
        """Bring the address up to what is chosen."""
        if st.query_params.to_dict() != address:
            st.query_params.from_dict(address)
        if address != self._written:
            self._before, self._since = self._written, time.monotonic()
        self._written, self.held = address, deepcopy(dict(held))

    def forget(self) -> None:
        """The address will be another's: until it is written again nobody can go back."""
        self._written = None
