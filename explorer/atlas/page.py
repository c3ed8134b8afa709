"""Atlas: every mechanism on one picture, sorted, filtered, side by side, and as a table."""
import streamlit as st

from explorer.atlas import controls as atlas_controls
from explorer.atlas import view as atlas_view
from explorer.atlas.atlas_cards import Card, cards, order, select
from explorer.atlas.atlas_choice import ADDRESS, PICKS, Choice, link
from explorer.atlas.atlas_maps import drawn, operations
from explorer.concentrate import controls, stage
from explorer.shared import chapters
from explorer.shared.tables import three
from linviz import clips


def headline(every: list[Card], choice: Choice) -> str:
    """The title says what to see: how far the same picture is spread by the sharpest map and by the flattest."""
    bits = {c.title: entropy for c in every if (entropy := drawn(c.name, *choice.scene).entropy) is not None}
    sharp, flat = min(bits, key=bits.__getitem__), max(bits, key=bits.__getitem__)
    return f"{len(every)} kinds of attention: from {three(bits[sharp])} bits ({sharp}) to {three(bits[flat])} ({flat})"


said = ADDRESS.come()
top = st.container()
choice = atlas_controls.choose()
every = cards()
shown = select(every, choice.family, choice.signed, choice.fixed, choice.causal, choice.text)
numbers = {"cost": lambda name: operations(name, *choice.scene),
           "entropy": lambda name: drawn(name, *choice.scene).entropy}
shown = order(shown, choice.sort, numbers.get(choice.sort, lambda name: None))
with top:
    if said:
        st.warning("  \n".join(map(controls.plain, said)))
    st.title(headline(every, choice))
    st.markdown("The same picture, the same queries and keys. Move over any of the pictures: one patch asks, and every "
                "mechanism answers.")
if choice.view == "table":
    atlas_view.show_table(shown, choice)
elif choice.view == "side" and len(choice.picked) >= PICKS[0]:
    atlas_view.show_side(choice)
    st.link_button("Open these in Concentrate", link(choice.picked, choice.clip))
else:
    if choice.view == "side":
        st.info("Pick two to four mechanisms, on their cards or in the list on the left, to see them side by side.")
    atlas_view.show_cards(shown, every, choice, atlas_controls.picked)
clip = stage.scene(*choice.scene).clip
st.caption(f"{clip.title}: {clip.author}, {clip.licence}. {clips.DESCRIPTORS_NOTE.capitalize()}. Learned tables are as "
           "they are drawn at first, and no gate is on. " + chapters.derived("atlas"))
