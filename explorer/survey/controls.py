"""The controls of the page Many samples: a shipped table or a file of one's own, and the measure."""
from __future__ import annotations

from typing import Any

import streamlit as st

from linviz.survey.shipped_tables import TABLES, shipped_path
from linviz.survey.survey_columns import number_columns
from linviz.survey.survey_table import read_survey

from ..shared.widgets import show_warnings
from .survey_state import STATE, SurveyView

UPLOAD = "Open a table of your own"
key = STATE.key


def choose_survey() -> tuple[SurveyView, Any]:
    """Show the controls in the sidebar; what is chosen, and the table that is read."""
    with st.sidebar:
        st.segmented_control("Table", list(TABLES), key=key("table"), format_func=TABLES.__getitem__, required=True)
        st.selectbox("Measure", list(number_columns()), key=key("measure"), format_func=measure_title)
        own = st.file_uploader(UPLOAD, type=["parquet"], help="A file that `linviz survey` wrote. The file stays in "
                               "memory on this computer and is forgotten when you leave.")
        st.button("Reset", on_click=STATE.reset, width="stretch")
    chosen = STATE.read_widgets()
    STATE.write_url()
    return chosen, chosen_table(chosen, None if own is None else own.getvalue())


def measure_title(name: str) -> str:
    """What a measure is called, with its unit."""
    return number_columns()[name].label


def chosen_table(chosen: SurveyView, own: bytes | None) -> Any:
    """The visitor's own table if it can be read; otherwise the shipped one, with a sentence on the reason."""
    problems = []
    if own is not None:
        try:
            return read_survey(own)
        except ValueError as error:
            problems.append(f"{error}. The table of linviz is shown.")
    show_warnings(problems)
    return shipped_table(chosen.table)


@st.cache_data(max_entries=4, show_spinner=False)
def shipped_table(name: str) -> Any:
    """A table that came with linviz."""
    return read_survey(shipped_path(name))
