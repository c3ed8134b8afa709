"""The words around the figures of the Evidence page; numbers, figures and findings come from `linviz.evidence`."""
from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from linviz import evidence
from linviz.figures.evidence_gallery import draw_evidence
from linviz.settings import State, Word, setting

from ..shared.page_state import PageState

ABSENT = "This installation of linviz lacks the folder `linviz/evidence_data`, so this page has no numbers to show."
NOT_MEASURED = ("Not measured yet: `python3 start.py study sets` trains these models, and "
                "`python3 start.py study evidence` measures them.")
FIGURES = tomllib.loads(Path(__file__).with_name("figure_texts.toml").read_text(encoding="utf-8"))
TITLES = {name: words["title"] for name, words in FIGURES.items()}


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
    return f"{' '.join(FIGURES[name]['note'].split())} {evidence.figure_finding(name)}".strip()


def model_sizes() -> str:
    """How many parameters a model has, from the smallest to the largest."""
    low, high = evidence.parameter_range()
    return f"{low / 1000:.0f} to {high / 1000:.0f} thousand"


@st.cache_data(max_entries=24, show_spinner=False)
def evidence_figure(name: str, budget: str, dark: bool) -> go.Figure | None:
    """A figure by its name; None where its numbers are missing."""
    data = evidence.figure_data(name, budget)
    return draw_evidence(data, dark=dark) if data else None
