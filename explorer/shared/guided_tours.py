"""Guided tours: stories of several steps, each a page in one state, two sentences and a question to predict on.

A step is an address. To go on drives the same controls as a visitor's hand does, and the address says tour and step:
whoever opens it stands there. What stands in braces in a sentence, the browser reads from the live view of the page.
"""
from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import streamlit as st

PATHS = {"concentrate": "", "reach": "who_sees_whom", "survey": "many_samples"}  # where a page is not called as it is
FITTING = "The gate is being fitted to softmax; in a moment its slider turns it on and off."
HERE, WANTED = "tour_here", "tour_wanted"  # in the session: tour and step; the step that was asked for last


@dataclass(frozen=True)
class TourStep:
    """A page, the parameters of its address, what to see there, and a question whose answer the next step gives.

    panel, other  whose numbers {patches} and {other} are, on a page with a live view
    """

    page: str
    address: Mapping[str, str]
    say: str
    ask: str
    panel: int = 0
    other: int | None = None


@dataclass(frozen=True)
class Tour:
    """A story: its title, and its steps in order."""

    title: str
    steps: tuple[TourStep, ...]


def read_tours(text: str) -> dict[str, Tour]:
    """Tours as `guided_tours.toml` has them.

    >>> read_tours('a.title = "A"\\na.steps = [{page = "atlas", address = {}, say = "", ask = ""}]')["a"].steps[0].page
    'atlas'
    """
    return {name: Tour(found["title"], tuple(TourStep(**step) for step in found["steps"]))
            for name, found in tomllib.loads(text).items()}


TOURS = read_tours(Path(__file__).with_suffix(".toml").read_text("utf-8"))


# ------------------------------------------------------------------------------------------------ where a visitor is


def tour_step(page: str) -> tuple[str, int, TourStep] | None:
    """The tour of this visit, the number of its step from 0 and the step; None where the step is not of this page."""
    name, n = st.session_state.get(HERE, ("", 0))
    if name not in TOURS:
        return None
    step = TOURS[name].steps[n]
    return (name, n, step) if step.page == page else None


def step_parameters(page: str) -> dict[str, str]:
    """The tour and the step, as the address of a page has them."""
    found = tour_step(page)
    return _numbered(*found[:2]) if found else {}


def _numbered(name: str, n: int) -> dict[str, str]:
    return {"tour": name, "step": str(n + 1)}


def is_elsewhere(parameters: Mapping[str, str]) -> bool:
    """Whether an address is that of another step than the one where the visit stands: somebody went back to a page."""
    name, n = st.session_state.get(HERE, ("", 0))
    return "tour" in parameters and {**parameters, **_numbered(name, n)} != {"step": "1", **parameters}


def ask_step(name: str, n: int) -> None:
    """Go to a step of a tour in the next run, n from 0: a callback. A step that is not there ends the tour."""
    st.session_state.pop(HERE, None)
    if name in TOURS and 0 <= n < len(TOURS[name].steps):
        st.session_state[HERE] = st.session_state[WANTED] = (name, n)


def take_wanted(page: str) -> dict[str, str] | None:
    """The address of the step that was asked for, once; where it is of another page, that page is shown."""
    if (wanted := st.session_state.get(WANTED)) is None:
        return None
    step = TOURS[wanted[0]].steps[wanted[1]]
    if step.page != page:
        st.switch_page(f"{step.page}/page.py", query_params=_numbered(*wanted) | dict(step.address))
    del st.session_state[WANTED]
    return dict(step.address)


def named_step(parameters: Mapping[str, str]) -> tuple[str, int] | None:
    """The tour and the step, from 0, that an address names; None where there is no such step.

    >>> named_step({"tour": "time", "step": "2"}), named_step({"tour": "time", "step": "x"})
    (('time', 1), None)
    """
    name, number = parameters.get("tour", ""), parameters.get("step", "1")
    n = int(number) - 1 if number.isascii() and number.isdigit() else -1
    return (name, n) if name in TOURS and 0 <= n < len(TOURS[name].steps) else None


def read_step(page: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters of an address without tour and step, which this visit then follows.

    An address of a step alone stands for the state of the step. One that names no step of a tour keeps both, so that
    the page says what is wrong with them.
    """
    st.session_state.pop(HERE, None)
    if (found := named_step(parameters)) is None:
        return dict(parameters)
    ask_step(*found)
    address = take_wanted(page) or {}
    return {name: text for name, text in parameters.items() if name not in ("tour", "step")} or address


def tour_links() -> str:
    """Links to the first steps of all tours, as Markdown."""
    links = [f"[{tour.title}](/{PATHS.get(page := tour.steps[0].page, page)}?{urlencode({'tour': name})})"
             for name, tour in TOURS.items()]
    return f"Guided tours: {' · '.join(links)}."


def strip_content(page: str, waiting: Sequence[bool] = ()) -> dict[str, Any] | None:
    """What the strip shows of a tour; None where this page is no step of one. waiting: whose gate is fitted."""
    if (found := tour_step(page)) is None:
        return None
    name, n, step = found
    names = list(TOURS)
    after = names[(names.index(name) + 1) % len(names)]
    say = FITTING if any(waiting[step.panel:step.panel + 1]) else step.say
    steps = [{"name": f"{name} {n}", "panel": step.panel, "other": step.other, "say": say, "do": step.ask,
              "done": "", "until": "", "title": "", "empty": say}]
    return {"steps": steps, "bare": False, "tour": {"title": TOURS[name].title, "name": name, "at": n,
                                                   "count": len(TOURS[name].steps), "after": after,
                                                   "afterTitle": TOURS[after].title}}
