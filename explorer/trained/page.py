"""Trained models: one clip, what each model answers, and where its tokens look."""
import streamlit as st

from explorer.shared.guided_strip import show_tour
from explorer.shared.projector import show_projected
from explorer.shared.widgets import show_warnings
from explorer.trained import controls, view
from explorer.trained.answer_tables import measures_table
from explorer.trained.gates_panel import gates_panel
from explorer.trained.model_answers import model_answers
from explorer.trained.trained_notes import GUIDE, recorded_note, trained_heading
from explorer.trained.trained_state import STATE
from linviz.views.load_trained import NONE

live = controls.live_state()
if STATE.come():
    live.ask(STATE.state.query, STATE.state.look)
chosen = controls.choose_view()
show_warnings(STATE.problems)
show_tour("trained")
if chosen is None:
    st.info(f"{NONE[0].upper()}{NONE[1:]}.")
    st.stop()
found = model_answers(chosen)
with st.container(key="words_above"):
    st.title(trained_heading(chosen, found), anchor=False)
    st.markdown(GUIDE)
view.show_clip(chosen, found)
controls.show_changes(chosen)
chosen = STATE.read_widgets()
found = model_answers(chosen)
view.show_view(chosen, found, live)
st.header(f"How concentrated layer {chosen.layer} is", anchor=False)
st.html(measures_table(chosen, found))
st.caption(recorded_note(chosen))
gates_panel(chosen, found)
show_projected(live.look)
