"""Widgets that are drawn from a field's declaration, and sentences in which nothing is read as markdown."""
from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from linviz.settings import Number, Setting, Switch, Text, Whole, Word, Words

from .page_state import PageState

SLIDER = 150  # whole numbers: with more, a box for a number is easier to use than a slider


def escape_markdown(text: str) -> str:
    """Text that may hold what somebody typed, with everything that markdown would read escaped.

    >>> escape_markdown("[a](b)")
    '\\\\[a\\\\](b)'
    """
    return re.sub(r"([\\`*_\[\]{}<>#|~$:!])", r"\\\1", text)


def show_warnings(sentences: Sequence[str]) -> None:
    """Say what could not be done, one sentence each, in a container that is there without any as well.

    A browser makes anew everything below a place where one thing more, or less, has come.
    """
    with st.container():
        for sentence in sentences:
            st.warning(escape_markdown(sentence))


def show_problems(sentences: Sequence[str]) -> None:
    """Say what could not be done, in one warning, where there is anything."""
    if sentences:
        st.warning("  \n".join(map(escape_markdown, sentences)))


def is_dark() -> bool:
    """Whether the visitor's page is dark."""
    return st.context.theme.type == "dark"


def show_figure(fig: Any, key: str, on_select: Callable[[], None] | None = None, **layout: Any) -> None:
    """A figure on the page, with its alt text. A click on a point sets `st.session_state[key]`, for `on_select`."""
    clear = "rgba(0,0,0,0)"
    fig.update_layout({"paper_bgcolor": clear, "plot_bgcolor": clear, "dragmode": False} | layout)
    more: dict[str, Any] = {} if on_select is None else {"on_select": on_select, "selection_mode": "points"}
    st.plotly_chart(fig, theme=None, key=key, alt=fig.layout.meta["alt"], config={"displaylogo": False}, **more)


def draw_field(page: PageState[Any], name: str, label: str | None = None, **more: Any) -> Any:
    """The widget of a field of the page's state, from its declaration; its value.

    more  goes to Streamlit's widget; `low` and `high` narrow the limits to what can be shown here.
    """
    declared = page.opening.flat_settings()[name].setting
    page.drawn[name] = True
    return draw_widget(declared, page.key(name), label, **more)


def draw_widget(declared: Setting, key: str, label: str | None = None, **more: Any) -> Any:
    """The widget of a declared setting under a key of the session; its value."""
    kind, label = declared.kind, label or declared.label
    more.setdefault("help", _sentence(declared.help) or None)
    more.setdefault("persist_state", "session")  # a widget that is hidden for a while keeps its value
    if isinstance(kind, Whole):
        return _whole(kind, key, label, **more)
    if isinstance(kind, Number):
        return _number(kind, key, label, **more)
    if isinstance(kind, Word):
        return st.segmented_control(label, kind.words, key=key, required=True, **more)
    if isinstance(kind, Words):
        return st.multiselect(label, kind.known(), key=key, max_selections=kind.most, **more)
    if isinstance(kind, Text):
        return st.text_input(label, key=key, max_chars=kind.longest, **more)
    if isinstance(kind, Switch):
        return st.toggle(label, key=key, **more)
    raise TypeError(f"no widget is known for {label!r}, a field of the kind {kind.widget}: its page has to draw it")


def _whole(kind: Whole, key: str, label: str, low: int | None = None, high: int | None = None, **more: Any) -> Any:
    low, high = kind.low if low is None else low, kind.high if high is None else high
    if st.session_state.get(key) is not None:
        keep_within(key, low, high)
    if high is not None and high - low <= SLIDER and low < high:
        return st.slider(label, low, high, key=key, **more)
    start: Any = None if kind.none else "min"
    return st.number_input(label, low, high, start, key=key, step=1, **more)


def _number(kind: Number, key: str, label: str, **more: Any) -> Any:
    if kind.log:
        seen = st.session_state.setdefault(f"{key}_stops", [])  # options that change would end a press of keys
        now = st.session_state.get(key)
        if now is not None and now not in seen and now not in kind.stops():
            seen.append(now)
        names = _stop_names(kind.stops(*seen))
        return st.select_slider(label, list(names), key=key, format_func=names.__getitem__, **more)
    if kind.none:
        return st.number_input(label, kind.low, kind.high, None, kind.step, f"%.{places(kind.step)}f", key=key, **more)
    return st.slider(label, kind.low, kind.high, step=kind.step, key=key, **more)


def places(step: float) -> int:
    """How many digits after the point a step has.

    >>> places(0.01), places(1e-5)
    (2, 5)
    """
    return max(0, -math.floor(math.log10(step)))


def _stop_names(stops: Sequence[float]) -> dict[float, str]:
    """What a slider says at its stops: Streamlit knows them by these words, so that no two may be the same.

    >>> _stop_names([0.5, 0.5001, 2.0])
    {0.5: '0.5', 0.5001: '0.5001', 2.0: '2'}
    """
    names: dict[float, str] = {}
    for stop in stops:
        short = f"{stop:.3g}"
        names[stop] = repr(stop) if short in names.values() else short
    return names


def keep_within(key: str, low: int, high: int | None) -> None:
    """Bring a widget's value into its limits, only where it is outside or the limits are new.

    To set it on every run loses key presses; but a widget with new limits is a new one, which forgets its value.
    """
    value, limits, seen = st.session_state[key], (low, high), f"{key}_limits"
    inside = max(low, value if high is None else min(value, high))
    if inside != value or st.session_state.get(seen) != limits:
        st.session_state[key], st.session_state[seen] = inside, limits


def _sentence(text: str) -> str:
    """A help text as a sentence.

    >>> _sentence("counted from 1")
    'Counted from 1.'
    """
    return text and text[0].upper() + text[1:] + "." * (not text.endswith("."))
