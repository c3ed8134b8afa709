"""The controls of the page Atlas."""
from __future__ import annotations

import streamlit as st

from linviz import clips, names
from linviz.mechanisms import FAMILIES

from . import atlas_choice as limits
from .atlas_cards import SORTS, card
from .atlas_choice import ADDRESS, Choice
from .view import CARDS

key = ADDRESS.key
THREE = {"signed": "Signed or unnormalised", "fixed": "Fixed number of patches", "causal": "Causal form"}


def choose() -> Choice:
    """Show the controls in the sidebar; what is chosen."""
    with st.sidebar:
        st.selectbox("Sorted by", SORTS, key=key("sort"), format_func=SORTS.__getitem__)
        st.text_input("Words in it", key=key("text"), placeholder="cosine, Shen, arXiv 2006", max_chars=limits.LONGEST)
        st.pills("Families", FAMILIES, key=key("family"), selection_mode="multi")
        for name, label in THREE.items():
            st.segmented_control(label, limits.THREE_WAYS, key=key(name), required=True)
        st.selectbox("Photograph or clip", clips.names(), key=key("clip"), format_func=str.capitalize)
        most = limits.most_patches(st.session_state[key("clip")])
        ADDRESS.put(patches=min(st.session_state[key("patches")], most))
        st.slider("Patches per side", limits.PATCHES[0], most, key=key("patches"))
        st.multiselect("Side by side, two to four", names(), key=key("picked"), max_selections=limits.PICKS[1],
                       format_func=lambda name: card(name).title)
        st.button("Reset", on_click=ADDRESS.reset, width="stretch")
    st.segmented_control("Show as", limits.VIEWS, key=key("view"), format_func=limits.VIEWS.__getitem__, required=True,
                         label_visibility="collapsed")
    return ADDRESS.chosen()


def picked() -> None:
    """What was picked on the cards goes into the widgets. A callback of the cards' view."""
    said = st.session_state[CARDS].picks
    if said:
        known = tuple(name for name in said["picked"] if name in names())[:limits.PICKS[1]]
        ADDRESS.put(picked=known, **({"view": "side"} if said["side"] and len(known) >= limits.PICKS[0] else {}))
