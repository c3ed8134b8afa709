"""The words around the figures of the Evidence page; numbers, figures and findings come from `linviz.evidence`."""
from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

from linviz import evidence
from linviz.figures.evidence_gallery import draw_evidence
from linviz.settings import State, Word, setting

from ..shared.page_state import PageState

ABSENT = "This installation of linviz lacks the folder `linviz/evidence_data`, so this page has no numbers to show."
NOT_MEASURED = ("Not measured yet: `python3 start.py study sets` trains these models, and "
                "`python3 start.py study evidence` measures them.")
TITLES = {
    "accuracy": "How often each attention is right",
    "curves": "How soon each attention learns",
    "maps": "Does concentration or rank go with accuracy? The trained models",
    "breadth": "Does concentration or rank go with accuracy? Every mechanism of the study",
    "dose": "The floor in five steps",
    "front": "A second task: which of two crossing discs is in front?",
    "gates": "What a gate can do for a trained softmax model's own queries and keys"}
NOTES = {
    "accuracy": "One dot per seed; a tick marks the mean, and a line the 95 % interval. With three seeds or more, the "
                "interval is over seeds. With fewer, it is over clips and says nothing about another seed.",
    "curves": "The line is the mean of the seeds; the band reaches from the lowest seed to the highest. One seed alone "
              "has no band.",
    "maps": "One point per trained model: means over its heads, queries and layers. A ring means a gate, an open mark "
            "a shift. The name stands at the best seed. The floor, flat maps and low rank come together here. This "
            "figure does not show which of them makes learning slow.",
    "breadth": "One point per mechanism: the mean of three models, trained for 800 steps.",
    "dose": "One dot per seed, trained for 800 steps. The line joins the means, with their 95 % intervals over seeds.",
    "front": "One dot per seed; a tick marks the mean, and a line the 95 % interval over seeds. 2,400 steps, with the "
             "recipe of the first task.",
    "gates": "The gates are fitted to softmax's maps on training clips and measured on held-out clips. Nothing is "
             "trained on the task, so only the gate differs. Dotted lines: softmax itself, and the distance of its "
             "mean row (one row for all queries) from its maps."}


@dataclass(frozen=True)
class EvidenceView(State):
    """How long the models were trained that are shown."""

    budget: str = setting(Word(*evidence.BUDGETS), "short", "Trained for")


STATE = PageState("evidence", EvidenceView())


def headline_text() -> str:
    """The main findings as a list, and what they do not show."""
    return "\n".join(f"- {claim}" for claim in evidence.headline_claims()) + "\n\n" + evidence.claim_limits()


def further_text() -> str:
    """The other findings as a list, and what was done."""
    return "\n".join(f"- {claim}" for claim in evidence.further_claims()) + "\n\n" + evidence.study_method()


def figure_note(name: str) -> str:
    """What a reader has to know about a figure, and what the figure comes to."""
    return f"{NOTES[name]} {evidence.figure_finding(name)}".strip()


def model_sizes() -> str:
    """How many parameters a model has, from the smallest to the largest."""
    low, high = evidence.parameter_range()
    return f"{low / 1000:.0f} to {high / 1000:.0f} thousand"


@st.cache_data(max_entries=24, show_spinner=False)
def evidence_figure(name: str, budget: str, dark: bool) -> go.Figure | None:
    """A figure by its name; None where its numbers are missing."""
    data = evidence.figure_data(name, budget)
    return draw_evidence(data, dark=dark) if data else None
