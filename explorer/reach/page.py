"""Who sees whom: which patches of a clip a query has heard of after one, two, three layers, and what that costs."""
import streamlit as st

from explorer.concentrate import controls, stage
from explorer.reach import controls as reach_controls
from explorer.reach import reach_numbers
from explorer.reach.reach_choice import ADDRESS
from explorer.reach.reach_work import COUNTED, headline, reached
from explorer.reach.view import reach_view
from explorer.shared import chapters
from linviz.figures.reach import reach

said = ADDRESS.come()
choice = reach_controls.choose()
if said:
    st.warning("  \n".join(map(controls.plain, said)))
grid, query = choice.grid, choice.query
found = [reached(scheme, choice.attention, choice.side, grid, query) for scheme in (choice.left, choice.right)]
st.title(headline(*found))
st.markdown("Click a patch in any frame: marked is everything it has heard of, and in which layer for the first time.")
here = stage.scene(choice.clip, grid, 1.0)
reach_view(found, here.clip, grid, query, reach_controls.VIEW, reach_controls.clicked)
st.subheader("What that costs")
st.html(reach_numbers.table(found))
st.caption(COUNTED)
st.subheader("Every scheme: what it hears of, and for how much")
fig = reach(reach_numbers.paths(choice), dark=st.context.theme.type == "dark")
fig.update_layout(height=330, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
st.plotly_chart(fig, theme=None, key="reach_chart", alt=fig.layout.meta["alt"], config={"displaylogo": False})
clip = here.clip
st.caption(f"{clip.title}: {clip.author}, {clip.licence}. Layers are counted back from the output, and each keeps what "
           "a patch has (the residual). Whom a patch hears of follows from the scheme, not from the picture. "
           + chapters.derived("who_sees_whom"))
