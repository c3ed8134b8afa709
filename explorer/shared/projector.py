"""The projector: what is left of a page for a room is its view and its numbers, in large type."""
import streamlit as st

from linviz.views import Look

STYLE = """<style>
html { font-size: 22px; }
[data-testid=stSidebar], [data-testid=stSidebarCollapsedControl], [data-testid=stExpandSidebarButton] { display: none; }
[data-testid=stMainBlockContainer] { max-width: 100rem; }
</style>"""


def show_projected(look: Look) -> None:
    """Take the sidebar away and enlarge everything, where the look asks for it."""
    if look.projector:
        st.html(STYLE)
