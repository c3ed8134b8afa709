"""The kept numbers of the trained models, and their figures, as benchmarks/ makes them; nothing is computed here."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from .address import Address, one_of

BUDGETS = {"short": "800 steps", "long": "2,400 steps"}
ABSENT = ("The numbers of the evidence are kept in the repository, in `benchmarks/results`, and this linviz came "
          "without them.")
TITLES = {
    "accuracy": "How often each attention is right",
    "curves": "How soon each learns",
    "maps": "Does concentration or rank go with accuracy? The trained models",
    "breadth": "Does concentration or rank go with accuracy? Every mechanism",
    "dose": "The floor in five steps",
    "gates": "What a gate can do to a trained softmax model's own queries and keys"}
NOTES = {
    "accuracy": "A dot a seed, a tick for the mean, a line for the 95 % interval: over seeds from three seeds on, else "
                "over clips, which says nothing of another seed.",
    "curves": "The mean of the seeds, in a band from the lowest to the highest.",
    "maps": "Means over heads, queries, layers and seeds. Floor, flat maps and low rank come together here: which of "
            "them makes learning slow is not told by this picture.",
    "breadth": "A point a mechanism, trained in short with three seeds.",
    "dose": "relu(x) + f; what was predicted is in benchmarks/DOSE.md.",
    "gates": "Gates fitted to softmax's maps on training clips, measured on held-out clips; nothing is trained on the "
             "task, so nothing but the gate differs."}
LATER = ("Not measured yet: `python -m benchmarks.sets` trains these models, `python -m benchmarks.evidence` measures "
         "them.")


@dataclass(frozen=True)
class Choice:
    """How long the models were trained that are shown."""

    budget: str = "short"


ADDRESS = Address("evidence", Choice(), {"budget": one_of(*BUDGETS)})


def book() -> Any:
    """The kept numbers; None where they did not come along."""
    try:
        from benchmarks.kept import EVIDENCE
    except ImportError:
        return None
    return _book(EVIDENCE.stat().st_mtime_ns) if EVIDENCE.exists() else None


@st.cache_resource(max_entries=1, show_spinner=False)
def _book(changed: int) -> Any:
    from benchmarks.kept import SEALED, read
    from benchmarks.ledger import Ledger
    return Ledger(read(), read(SEALED))


def claim(kept: Any) -> str:
    """What the numbers say, in the words of benchmarks/EVIDENCE.md."""
    from benchmarks.page import PARTS
    return "\n\n".join(make(kept) for _, make in PARTS[:2])


def figure(name: str, kept: Any, budget: str, dark: bool) -> Any:
    """A figure by its name, or None where its numbers are not there yet."""
    from benchmarks.plots import PLOTS
    if name == "gates":
        return _gates(dark)
    more: dict[str, str] = {"budget": budget} if name in ("accuracy", "curves", "maps") else {}
    draw: Callable[..., Any] = PLOTS[name]
    return draw(kept, dark=dark, **more)


def _gates(dark: bool) -> Any:
    from benchmarks import gates_page
    from benchmarks.kept import RESULTS, read
    kept = read(RESULTS / "gates.json")
    return gates_page.figure(kept, dark).update_layout(title=None) if kept else None
