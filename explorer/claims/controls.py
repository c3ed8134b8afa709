"""The controls of the page Claims."""
from __future__ import annotations

import streamlit as st

from linviz import clips

from ..shared.widgets import draw_field
from .claims_state import OWN, PICTURES, STATE, ClaimsView

NAMES = {"chelsea": "Chelsea the cat", OWN: "Your own picture …"}


def choose_view() -> ClaimsView:
    """Show the controls; what is chosen."""
    with st.sidebar:
        st.selectbox("Picture", [*clips.PHOTOGRAPHS, OWN], key=STATE.key("source"),
                     format_func=lambda name: NAMES.get(name, name.capitalize()))
        draw_field(STATE, "patches")
        draw_field(STATE, "temperature")
        st.button("Reset", on_click=STATE.reset, width="stretch")
    if STATE.value("source") == OWN and PICTURES.show_chooser():
        st.rerun()
    chosen = STATE.read_widgets()
    STATE.write_url()
    return chosen
