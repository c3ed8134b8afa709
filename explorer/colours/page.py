"""Colours: a grey picture, some spots of colour, and which of them lends each patch its own, arm beside arm."""
import streamlit as st

from explorer.colours import colour_words, controls, view
from explorer.colours.arm_paintings import painted_view
from explorer.colours.colour_files import offer_colour_files
from explorer.colours.colours_state import STATE
from explorer.colours.gates_on_picture import show_gates
from explorer.shared import chapter_links
from explorer.shared.guided_strip import show_tour
from explorer.shared.projector import show_projected
from explorer.shared.widgets import escape_markdown, show_warnings
from linviz.views import Look

STATE.come()
top = st.container(key="words_above")
chosen = controls.choose_view()
show_warnings(STATE.problems)
show_tour("colours")
found = painted_view(chosen)
if found is None:
    top.title("Your own picture", anchor=False)
    STATE.write_url()
    st.stop()
show_warnings(found.missing)
if not found.arms:
    st.info("No model that colours pictures is shipped with this linviz.")
    st.stop()
with top:
    st.title(colour_words.colours_heading(found), anchor=False)
    st.markdown(colour_words.GUIDE)
STATE.write_url()
view.colour_view(chosen, found, controls.heard_tick(), controls.VIEW, controls.take_change)
if said := colour_words.sharing_sentence(chosen, found.arms):
    st.markdown(said)
show_gates(chosen, found)
offer_colour_files(chosen, found)
st.caption(f"{escape_markdown(colour_words.credit_line(found.picture))} {colour_words.learned_note(chosen.source)} "
           f"{colour_words.WHAT} {colour_words.SHARP}")
st.caption(f"{colour_words.HONEST} {colour_words.CHOSEN} {chapter_links.derived('colours')}")
show_projected(Look(projector=chosen.projector))
