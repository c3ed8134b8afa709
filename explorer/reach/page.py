"""Who sees whom: which patches of a clip a query reaches after one, two and three layers, and what that costs."""
import streamlit as st

from explorer.reach import controls, reach_tables
from explorer.reach.attention_notes import attention_note
from explorer.reach.reach_state import STATE
from explorer.reach.reached_layers import COUNTED, reach_heading, reached_layers
from explorer.reach.rollout_view import show_rollouts
from explorer.reach.view import reach_view
from explorer.shared import chapter_links
from explorer.shared.guided_strip import show_tour
from explorer.shared.scenes import sample_scene
from explorer.shared.widgets import is_dark, show_figure, show_problems
from linviz.figures.reach import reach_chart
from linviz.mechanisms import REGISTRY

STATE.come()
choice = controls.choose_view()
show_problems(STATE.problems)
show_tour("reach")
grid, query = choice.grid, choice.query
found = [reached_layers(scheme, choice.attention, choice.side, grid, query) for scheme in (choice.left, choice.right)]
st.title(reach_heading(*found))
st.markdown("Click a patch in any frame. Every patch that it reaches is marked with the first layer that does.")
here = sample_scene(choice.source, grid, 1.0)
reach_view(found, here.clip, grid, query, controls.VIEW, controls.take_click)
if note := attention_note(choice.attention, grid, (choice.left, choice.right)):
    st.markdown(f"**{REGISTRY[choice.attention].title}.** {note}")
st.header("How much comes from where: attention rollout")
show_rollouts(choice)
st.header("What that costs")
st.html(reach_tables.reach_table(found))
st.caption(COUNTED)
st.header("Every scheme: which patches it reaches, and at what cost")
fig = reach_chart(reach_tables.scheme_paths(choice), dark=is_dark())
show_figure(fig, "reach_chart", height=330, dragmode="zoom")
clip = here.clip
st.caption(f"{clip.title}: {clip.author}, {clip.licence}. Layers are counted back from the output, and each keeps what "
           "a patch has (the residual). Which patches a patch reaches is asked of random q and k, not of the picture. "
           + chapter_links.derived("who_sees_whom"))
