"""Where attention concentrates: one picture under several mechanisms, lit by the patch under the pointer."""
import streamlit as st

from explorer.concentrate import controls, file_chooser, own_file, view
from explorer.concentrate.concentrate_state import STATE
from explorer.concentrate.guided_steps import show_steps
from explorer.concentrate.panel_work import panel_titles, panels_at
from explorer.concentrate.passed_panel import passed_panel
from explorer.concentrate.spectra_panel import spectra_panel
from explorer.concentrate.visit import BLINK, FIRST, SMALL, Visit
from explorer.shared.guided_tours import tour_links
from explorer.shared.projector import show_projected
from explorer.shared.warm_start import wait_for_task
from explorer.shared.widgets import show_warnings

visit = st.session_state.setdefault("visit", Visit())
if STATE.come():
    file_chooser.ask_live_view()
first = "concentrate_shown" not in st.session_state
top = st.container(key="words_above")
with st.container(key="own_file"):  # there also while nobody brings a file: what stands below keeps its place
    file_chooser.show_chooser()
chosen = controls.choose_view(visit)
show_warnings(STATE.problems)
if own_file.is_awaited(chosen):
    top.title(file_chooser.TITLE, anchor=False)
    STATE.write_url()
    st.stop()
with top:
    title = st.empty()
    view.show_heading(title, chosen)
    controls.show_invitation()
if first:
    wait_for_task(20)
here = view.scene_of_view(chosen)
panels = visit.panels(here, chosen)
small = len(here.grid) <= SMALL
if first or small:  # wait briefly instead of flashing a placeholder
    visit.settle(FIRST if first else BLINK, readings=small)
    panels = visit.panels(here, chosen)
st.session_state.concentrate_shown = True
titles = panel_titles(panels)
show_warnings(visit.troubles())
show_steps(panels, titles)
view.show_view(visit, panels, titles, here, chosen)
measured = panels_at(panels, visit.live.look, here)
view.update_heading(title, measured, titles, here, chosen.causal)
spectra_panel(measured, titles, here)
passed_panel(measured, titles, here, visit.query)
visit.begin()
controls.show_work(visit)
st.caption(tour_links())
show_projected(visit.live.look)
