"""The kept numbers of the trained models, and their figures, as studies/ makes them; nothing is computed here."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ..shared.address import Address, one_of

BUDGETS = {"short": "800 steps", "long": "2,400 steps"}
ABSENT = ("The numbers of the evidence are kept in the repository, in `studies/results`, and this linviz came "
          "without them.")
TITLES = {
    "accuracy": "How often each attention is right",
    "curves": "How soon each learns",
    "maps": "Does concentration or rank go with accuracy? The trained models",
    "breadth": "Does concentration or rank go with accuracy? Every mechanism",
    "dose": "The floor in five steps",
    "front": "A second task: which of two that cross is in front?",
    "gates": "What a gate can do to a trained softmax model's own queries and keys"}
NOTES = {
    "accuracy": "A dot a seed, a tick for the mean, a line for the 95 % interval: over seeds from three seeds on, else "
                "over clips, which says nothing of another seed.",
    "curves": "The mean of the seeds, in a band from the lowest to the highest; one seed alone has no band.",
    "maps": "A point a trained model: means over its heads, queries and layers; a ring means a gate, an open mark a "
            "shift, and a name stands at the best seed of its kind. Floor, flat maps and low rank come together here: "
            "which of them makes learning slow is not told by this picture.",
    "breadth": "A point a mechanism: the mean of three models, trained for 800 steps.",
    "dose": "A dot a seed, trained for 800 steps; the means in a line, with 95 % intervals over seeds.",
    "front": "A dot a seed, a tick for the mean, a line for the 95 % interval over seeds; 2,400 steps, and the "
             "recipe of the first task, unchanged.",
    "gates": "Gates fitted to softmax's maps on training clips, measured on held-out clips; nothing is trained on the "
             "task, so nothing but the gate differs. Dotted: softmax itself, and how far its own mean row, one row for "
             "all queries, is from its maps."}
LATER = ("Not measured yet: `python -m studies.sets` trains these models, `python -m studies.evidence` measures "
         "them.")
FIRST = 3       # sentences of the claim that stand openly on the page
GATES_TOP = 84  # pixels over the gates' panels: their legend stands there, and the page has its title


@dataclass(frozen=True)
class Choice:
    """How long the models were trained that are shown."""

    budget: str = "short"


ADDRESS = Address("evidence", Choice(), {"budget": one_of(*BUDGETS)})


def book() -> Any:
    """The kept numbers; None where they did not come along."""
    try:
        from studies.kept import EVIDENCE
    except ImportError:
        return None
    return _book(EVIDENCE.stat().st_mtime_ns) if EVIDENCE.exists() else None


@st.cache_resource(max_entries=1, show_spinner=False)
def _book(changed: int) -> Any:
    from studies.kept import SEALED, read
    from studies.ledger import Ledger
    return Ledger(read(), read(SEALED))


def claim(kept: Any) -> tuple[str, str]:
    """What the numbers say, in the words of studies/EVIDENCE.md: the main sentences with what is not claimed, and
    the rest with what was done."""
    from studies.page import PARTS
    said, done = (make(kept) for _, make in PARTS[:2])
    lines, _, limits = said.partition("\n\n")
    points = lines.split("\n")
    return "\n".join(points[:FIRST]) + "\n\n" + limits, "\n".join(points[FIRST:]) + "\n\n" + done


def note(name: str, kept: Any) -> str:
    """What has to be known to read a figure, and what it comes to."""
    return _note(name, _stamps(), kept)


@st.cache_data(max_entries=24, show_spinner=False)
def _note(name: str, changed: tuple[int, ...], _kept: Any) -> str:
    from studies import others
    if name == "dose":
        told = others.answers(others.doses(_kept))
        return (f"{NOTES[name]} Predicted beforehand, in studies/DOSE.md: of {len(told)} predictions "
                f"{sum(a.true for a in told)} came true.")
    return f"{NOTES[name]} {others.stories_told(others.stories(_kept))}." if name == "breadth" else NOTES[name]


def sizes(kept: Any) -> str:
    """How many numbers a model has, from the smallest to the largest."""
    found = [model["parameters"] for own in kept.told["motion"].values() for model in own.values()]
    return f"{min(found) / 1000:.0f} to {max(found) / 1000:.0f} thousand"


def figure(name: str, kept: Any, budget: str, dark: bool) -> Any:
    """A figure by its name, or None where its numbers are not there yet."""
    return _figure(name, _stamps(), budget, dark, kept)


@st.cache_data(max_entries=24, show_spinner=False)
def _figure(name: str, changed: tuple[int, ...], budget: str, dark: bool, _kept: Any) -> Any:
    from studies.plots import PLOTS
    if name == "gates":
        return _gates(dark)
    more: dict[str, str] = {"budget": budget} if name in ("accuracy", "curves", "maps") else {}
    draw: Callable[..., Any] = PLOTS[name]
    return draw(_kept, dark=dark, **more)


def _stamps() -> tuple[int, ...]:
    """When the kept numbers were last written: what is drawn from them is drawn once."""
    from studies.kept import EVIDENCE, RESULTS
    return tuple(path.stat().st_mtime_ns for path in (EVIDENCE, RESULTS / "gates.json") if path.exists())


def _gates(dark: bool) -> Any:
    from studies import gates_page
    from studies.kept import RESULTS, read
    kept = read(RESULTS / "gates.json")
    if not kept:
        return None
    fig = gates_page.figure(kept, dark)
    return fig.update_layout(title=None, margin_t=GATES_TOP, height=fig.layout.height - fig.layout.margin.t + GATES_TOP)
