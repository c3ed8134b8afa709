"""The controls of the page Atlas."""
from __future__ import annotations

import streamlit as st

from linviz import clips, names
from linviz.mechanisms import FAMILIES

from ..shared.widgets import draw_field
from .atlas_state import PICKS, SIZES, STATE, VIEWS, AtlasView, most_patches
from .mechanism_cards import SORTS, mechanism_card
from .view import CARDS
from .years_and_contrast import dotted_card

key = STATE.key


def choose_view() -> AtlasView:
    """Show the controls in the sidebar; what is chosen."""
    with st.sidebar:
        st.selectbox("Sorted by", SORTS, key=key("sort"), format_func=lambda name: SORTS[name])
        st.selectbox("Open the card of", AtlasView.limits("card")["words"], key=key("card"),
                     format_func=lambda name: mechanism_card(name).title if name else "none")
        draw_field(STATE, "text", placeholder="cosine, Shen, arXiv 2006")
        st.pills("Families", FAMILIES, key=key("family"), selection_mode="multi")
        for name in ("signed", "fixed", "causal"):
            draw_field(STATE, name)
        st.selectbox("Photograph or clip", clips.names(), key=key("source"), format_func=str.capitalize)
        draw_field(STATE, "patches", high=most_patches(STATE.value("source")))
        draw_field(STATE, "picked", format_func=lambda name: mechanism_card(name).title)
        st.button("Reset", on_click=STATE.reset, width="stretch")
    st.segmented_control("Show as", VIEWS, key=key("view"), format_func=lambda name: VIEWS[name], required=True,
                         label_visibility="collapsed")
    if STATE.value("view") == "cost":
        _choose_cost()
    chosen = STATE.read_widgets()
    STATE.write_url()
    return chosen


def _choose_cost() -> None:
    """The controls of the view Cost: what is measured on the left, N above the numbers."""
    with st.sidebar:
        draw_field(STATE, "costed", format_func=lambda name: mechanism_card(name).title)
        draw_field(STATE, "cost_width")
        draw_field(STATE, "cost_most")
    STATE.drawn["cost_tokens"] = True
    st.select_slider("Patches N", SIZES, key=key("cost_tokens"), persist_state="session")


def take_dot() -> None:
    """A dot of the timeline was clicked. A callback of the chart."""
    if name := dotted_card():
        STATE.put(card=name)


def take_picks() -> None:
    """What was picked on the cards goes into the widgets. A callback of the cards' view."""
    said = st.session_state[CARDS].picks
    if said:
        known = [name for name in said["picked"] if name in names()][:PICKS[1]]
        STATE.put(picked=known, **({"view": "side"} if said["side"] and len(known) >= PICKS[0] else {}))
