"""Atlas: every mechanism on one picture, sorted, filtered, along the years, side by side, and as a table."""
import streamlit as st

from explorer.atlas import controls, view, years_and_contrast
from explorer.atlas.atlas_state import PICKS, STATE, AtlasView, concentrate_link
from explorer.atlas.mechanism_cards import Card, Number, mechanism_cards, order_cards, select_cards
from explorer.atlas.mechanism_maps import counted_operations, drawn_map
from explorer.shared import chapter_links
from explorer.shared.guided_strip import show_tour
from explorer.shared.number_tables import three_digits
from explorer.shared.scenes import sample_scene
from explorer.shared.widgets import show_problems
from linviz import clips

HINTS = {"timeline": "Click a dot: its card opens below, and with it the card of the mechanism that it changes.",
         "line": "Move the slider, or choose a name. Move over the picture: another patch asks, and the names move."}
HINT = ("The same picture, the same queries and keys. Move over any of the pictures: one patch asks, and every "
        "mechanism answers.")


def headline(shown: list[Card], choice: AtlasView) -> str:
    """The title says what to see: over how many bits the sharpest and the flattest map shown spread this picture."""
    if choice.view == "line":
        return "One line for four: uniform, linear attention, InLine and MALA differ only in contrast"
    if choice.view == "timeline" and (years := [c.year for c in shown if c.year]):
        return f"{len(shown)} kinds of attention, {min(years)} to {max(years)}"
    bits = {c.title: entropy for c in shown if (entropy := drawn_map(c.name, *choice.scene).entropy) is not None}
    kinds = "No kind of attention fits" if not shown else f"{len(shown)} kinds of attention"
    if len(bits) < 2:
        return kinds if len(shown) != 1 else shown[0].title
    sharp, flat = min(bits, key=bits.__getitem__), max(bits, key=bits.__getitem__)
    return f"{kinds}: from {three_digits(bits[sharp])} bits ({sharp}) to {three_digits(bits[flat])} ({flat})"


STATE.come()
top = st.container()
choice = controls.choose_view()
every = mechanism_cards()
shown = select_cards(every, choice.family, choice.signed, choice.fixed, choice.causal, choice.text)
numbers: dict[str, Number] = {"cost": lambda name: counted_operations(name, *choice.scene),
                              "entropy": lambda name: drawn_map(name, *choice.scene).entropy}
shown = order_cards(shown, choice.sort, numbers.get(choice.sort, lambda name: None))
with top:
    show_problems(STATE.problems)
    show_tour("atlas")
    st.title(headline(shown, choice))
    st.markdown(HINTS.get(choice.view, HINT))
if choice.view == "table":
    view.show_table(shown, choice)
elif choice.view == "timeline":
    years_and_contrast.show_timeline(shown, choice, controls.take_dot, controls.take_picks)
elif choice.view == "line":
    years_and_contrast.show_line(choice)
elif choice.view == "side" and len(choice.picked) >= PICKS[0]:
    view.show_side(choice)
    st.link_button("Open these in Concentrate", concentrate_link(choice.picked, choice.source))
else:
    if choice.view == "side":
        st.info("Pick two to four mechanisms, on their cards or in the list on the left, to see them side by side.")
    view.show_cards(shown, every, choice, controls.take_picks)
clip = sample_scene(*choice.scene).clip
st.caption(f"{clip.title}: {clip.author}, {clip.licence}. {clips.DESCRIPTORS_NOTE.capitalize()}. Learned tables are as "
           "they are drawn at first, and no gate is on. What a longer q does was measured at q × ¼, 1, 4 and 16, on "
           "the picture with which the Atlas opens. " + chapter_links.derived("atlas"))
