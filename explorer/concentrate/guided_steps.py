"""Four guided steps above the view on a first visit: each is one sentence and one thing to do, which the strip notices.

The numbers in a sentence are those of the row that is drawn: the browser reads them from the live view. So they are
true for every picture and every patch. Which steps there are, and for which panel, follows from the panels. Nothing of
this comes back to Python, and the address says nothing of it.

A link with a state of its own opens without the steps. What was skipped or finished does not come back in this browser.
The button "Guided steps" brings it back.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from linviz.mechanisms import parse

from ..shared.guided_strip import show_strip, show_tour
from ..shared.guided_tours import FITTING
from ..shared.scenes import KeyedPanel

BARE = "guided_steps_bare"  # in the session: whether the visitor came by an address without a state
ASKS = "The patch in the ring asks other patches how well they match, and the best matches {shine}."
MIXES = "The patch in the ring mixes in other patches, and those with much weight {shine}."  # whatever they hold
SOFTMAX = ("Softmax: this patch looks at {patches} of {of} patches, and its ten best matches take {top} of its "
           "attention.")
LINEAR = "{title} is linear attention and keeps no table: this patch looks at {patches} of {of} patches"
LINEAR_BESIDE = ("Choose two more patches: which of the two numbers changes more?",
                 "{title}: from {before} to {patches}; softmax: from {otherBefore} to {other}.")
LINEAR_ALONE = "Choose two more patches: does the number change?", "From {before} to {patches} patches."
GATE = "The gate multiplies features by ratios: at strength {strength} this patch looks at {patches} of {of} patches"
EMPTY = "{title}: this patch gives weight to no other. Choose another patch."


def show_steps(panels: Sequence[KeyedPanel], titles: Sequence[str]) -> None:
    """The strip, or the button that brings it back; while a visitor follows a tour, the step of the tour."""
    bare = st.session_state.setdefault(BARE, not st.query_params.to_dict())
    if not show_tour("concentrate", [panel.waiting for panel in panels]):
        show_strip({"steps": guided_steps(panels, titles), "bare": bare, "tour": None})


def guided_steps(panels: Sequence[KeyedPanel], titles: Sequence[str]) -> list[dict[str, Any]]:
    """The steps that these panels allow. In braces stands what the browser fills in.

    panel, other  whose numbers are meant, and whose stand beside them in brackets;  until  what is noticed:
    "query" another patch, "pins" two more, "more" a patch that looks at more, or at fewer, "strength" the slider
    """
    asks = MIXES if all(panel.family == "content-free" for panel in panels) else ASKS
    soft = _find_panel(panels, lambda panel: panel.family == "softmax")
    plain = _find_panel(panels, lambda panel: panel.family == "kernel" and not parse(panel.spec).gate)
    gated = _find_panel(panels, lambda panel: parse(panel.spec).gate is not None)
    found = [_step("asks", 0, asks, "Choose another patch: click, tap or use the arrow keys.",
                   "Now this patch asks.", "query")]
    if soft is not None:
        found.append(_step("softmax", soft, SOFTMAX, "Find a patch that looks at {more}.", "Now it looks at {patches}.",
                           "more"))
    if plain is not None:
        asked, answer = LINEAR_ALONE if soft is None else LINEAR_BESIDE
        found.append(_step("linear", plain, LINEAR + _beside("softmax", soft), asked, answer, "pins", soft))
    if gated is not None:
        twin = replace(parse(panels[gated].spec), gate=None, shared=False)
        without = _find_panel(panels, lambda panel: panel.spec == str(twin))
        found.append(_step("gate", gated, GATE + _beside("without it", without), "Move the slider “gate strength” to 0 "
                           "and back.", "From {before} to {patches} patches.", "strength", without))
        if panels[gated].waiting:
            found[-1] |= {"say": FITTING, "do": "", "until": ""}
    return [step | {"title": titles[step["panel"]], "empty": EMPTY} for step in found]


def _find_panel(panels: Sequence[KeyedPanel], fits: Any) -> int | None:
    """The first panel that fits and has rows with an entropy."""
    return next((n for n, panel in enumerate(panels) if panel.map.stochastic and fits(panel)), None)


def _step(name: str, panel: int, say: str, do: str, done: str = "", until: str = "", other: int | None = None
          ) -> dict[str, Any]:
    return {"name": name, "panel": panel, "say": say, "do": do, "done": done, "until": until, "other": other}


def _beside(name: str, other: int | None) -> str:
    """The end of a sentence: another panel's number in brackets, where that panel is there."""
    return "." if other is None else f" ({name}: {{other}})."
