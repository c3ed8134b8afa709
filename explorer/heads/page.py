"""Heads: every layer and head of a model, with a number under each; a click opens one head large."""
import streamlit as st

from explorer.heads import controls, view
from explorer.heads.head_work import begin_work, changed_heads
from explorer.heads.heads_state import AS_IT_IS, STATE
from explorer.heads.shown_heads import shown_heads
from explorer.shared import chapter_links
from explorer.shared.widgets import escape_markdown, is_dark, show_figure, show_warnings
from linviz.figures.head_changes import head_changes_chart

HINT = ("Click a patch in any picture: every head shows where that patch looks, from its largest weight down. "
        "Click the name of a head to see that head large.")
COUNTED = ("Each dot is a head, and its numbers are means over all rows. The error is the size of the change of A v "
           "over the size of A v.")

STATE.come()
top = st.container()
chosen = controls.choose_view()
show_warnings(STATE.problems)
STATE.write_url(query=chosen.query)
shown = shown_heads(chosen.source)
if shown is None:
    st.title("All heads of your own model", anchor=False)
    st.stop()
try:
    sides = shown.sides
except ValueError as error:
    st.error(escape_markdown(f"{error}."))
    st.stop()
begin_work(chosen, shown)
with top:
    st.title(view.heads_heading(chosen, shown), anchor=False)
    st.markdown(f"{escape_markdown(shown.title)}: {len(shown.layers)} layers. {HINT}")
opened = view.heads_view(chosen, shown, controls.VIEW, controls.take_query)
if opened is not None:
    room, parameters = shown.head_link(*opened, shown.patch(chosen.query))
    st.switch_page(f"{room}/page.py", query_params=parameters)
st.caption(f"{shown.told} {view.statistic_note(chosen)} {view.memory_sentence(shown)} Attention is not explanation: "
           "what a patch looks at need not be what decides (Jain and Wallace 2019). " + chapter_links.derived("heads"))
if chosen.under != AS_IT_IS:
    st.header(f"The same q, k and v under {controls.under_title(chosen.under)}", anchor=False)
    found = changed_heads(shown, chosen.under)
    if found is None:
        st.caption("Reading every row of every head …")
    else:
        rows, left_out = found
        if changes := view.head_changes(rows):
            show_figure(head_changes_chart(changes, dark=is_dark()), "heads_changes", height=360)
            st.caption(COUNTED)
        if rows:
            st.html(view.changes_table(rows))
        for n, why in left_out.items():
            st.caption(escape_markdown(f"Layer {n}: {why}."))
controls.show_work()
