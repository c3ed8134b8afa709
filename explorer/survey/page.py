"""Many samples: how concentrated every mechanism is over many clips, per layer and head."""
import streamlit as st

from explorer.shared import chapter_links
from explorer.shared.guided_strip import show_tour
from explorer.shared.widgets import escape_markdown, is_dark, show_figure, show_problems
from explorer.survey import controls
from explorer.survey.survey_state import STATE
from explorer.survey.view import (
    NOTHING,
    missing_sentences,
    spread_chart,
    spread_table,
    survey_heading,
    survey_sentence,
    survey_spreads,
)

STATE.come()
chosen, table = controls.choose_survey()
show_problems(STATE.problems)
show_tour("survey")
st.title(survey_heading(table))
st.markdown("One picture can mislead. Here every mechanism is measured on every clip, and the boxes show the spread. "
            + escape_markdown(survey_sentence(table)))
spreads = survey_spreads(table, chosen.measure)
st.header(controls.measure_title(chosen.measure).capitalize())
if spreads:
    show_figure(spread_chart(spreads, chosen.measure, is_dark()), "survey_chart")
    st.caption("Box: the middle half of the clips, with the median as a line; whiskers reach the least and the most. "
               "A tinted box has a gate. Marker: the mean over clips, with its 95 % interval. Each clip counts once, "
               "by the mean over its rows.")
    st.html(spread_table(spreads))
else:
    st.info(NOTHING)
for sentence in missing_sentences(table, spreads):
    st.caption(escape_markdown(sentence))
st.header("Your own clips")
st.markdown("`linviz survey videos/ --mechanism softmax relu_floor` writes such a table; open the table in the "
            "sidebar. The guide `docs/from_a_laptop_to_a_cluster.md` says how many computers do that together. "
            + chapter_links.derived("many_samples"))
