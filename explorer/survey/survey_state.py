"""The state of the page Many samples."""
from __future__ import annotations

from dataclasses import dataclass

from linviz.settings import State, Word, setting
from linviz.survey.shipped_tables import TABLES
from linviz.survey.survey_columns import number_columns

from ..shared.page_state import PageState


@dataclass(frozen=True)
class SurveyView(State):
    """Which table is read, and which of its measures is shown."""

    table: str = setting(Word(*TABLES), "descriptors", "Table")
    measure: str = setting(Word(lambda: tuple(number_columns())), "entropy_share", "Measure")


STATE = PageState("survey", SurveyView())
