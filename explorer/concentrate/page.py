"""Where attention concentrates: one picture under several mechanisms, lit by the patch under the hand."""
import streamlit as st

from explorer import warm
from explorer.concentrate import controls, desk, location, own, stage
from explorer.concentrate.fixation_panel import fixation_panel, follow
from explorer.concentrate.spectra_panel import spectra_panel
from explorer.concentrate.visit import BLINK, FIRST, SMALL
from explorer.shared import chapters, exports, tables
from explorer.shared.hand import words
from explorer.trained import trained_source
from linviz.models import LABEL
from linviz.patch_view.streamlit import patch_view
from linviz.views.row_stats import heading

HOW = "Move over a picture: it is lit by the attention of the patch under your hand. Click to keep that patch{gate}."
CAVEAT = ("Attention is not explanation: a map says what was mixed, not why "
          "([Jain and Wallace 2019](https://arxiv.org/abs/1902.10186)).")


def say(specs, causal):
    """The title says what to see."""
    gated = any("+gate" in spec for spec in specs)
    st.title(heading(specs, causal), anchor=False)
    st.markdown(HOW.format(gate="; the slider turns the gate on" if gated else ""))


@st.fragment
def view(visit, panels, titles, here, choice):
    """The canvas and the numbers of its pinned query: a pin runs this part alone."""
    ready = not any(shown.waiting for shown in panels)
    query = visit.follow(location.message(visit), here)
    with st.container(width=stage.wide(here.grid, len(panels))):
        patch_view(stage.blob(panels, titles, here, ready, visit.hand.wish), key=location.view_key(visit))
    location.write(visit, here)
    controls.warn(visit.hand.said)
    st.caption(f"{controls.credit(here)} A gate is {LABEL}. {CAVEAT} {chapters.derived('concentrate')}")
    exports.show(visit, panels, here, choice)
    st.subheader(f"The pinned {words(query, here.grid)}, beside the mean of all {len(here.grid):,}", anchor=False)
    st.html(tables.concentration(panels, titles, query, here))
    follow(query)


trained = trained_source.trained()
trained_source.switch()
if trained:
    from explorer.trained import trained_page  # what it needs is not imported before it is asked for
    trained_page.show()
    st.stop()
visit = location.come()
st.session_state.said += trained_source.said()
first = "shown" not in st.session_state
top = st.container()
with st.container():  # there also while nobody brings a file: what stands below keeps its place
    desk.show()
choice = own.drawn(controls.choose())
controls.warn(st.session_state.said)
if choice is None:  # a link to a file that is not there yet
    top.title(desk.TITLE, anchor=False)
    location.write(visit, None)
    st.stop()
with top:
    say(choice.specs, choice.causal)
    controls.invite()
if first:
    warm.wait(20)
here = own.staged(choice)
panels = visit.panels(here, choice)
small = len(here.grid) <= SMALL
if first or small:  # rather a moment's wait than a stand-in for a moment
    visit.settle(FIRST if first else BLINK, readings=small)
    panels = visit.panels(here, choice)
st.session_state.shown = True
titles = stage.titles(panels)
controls.warn(visit.troubles())
view(visit, panels, titles, here, choice)
fixation_panel(panels, titles, here, visit.query)
spectra_panel(panels, titles, here)
visit.begin()
controls.foot(visit)
