"""The views of the atlas: cards, as a Streamlit component; two to four mechanisms side by side; the plain table."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from linviz import names
from linviz.palette import MATH_FONTS
from linviz.patch_view import Panel, module_source, pack
from linviz.patch_view.streamlit import patch_view

from ..shared.frame_pictures import frame_pictures
from ..shared.number_tables import SCROLLED, column_heads, operation_count, three_digits
from ..shared.scenes import sample_scene
from ..shared.warm_start import wait_for_task
from .atlas_state import PICKS, AtlasView, concentrate_link
from .card_content import card_content, cards_blob
from .formula_math import formula_html
from .mechanism_cards import YES, Card, card_sections, mechanism_card
from .mechanism_maps import counted_operations, drawn_map, first_query, rank_bound

HERE = Path(__file__).parent
_component = st.components.v2.component("linviz_atlas", js=module_source(
    HERE / "../shared/frames_page.js", HERE / "atlas_card.js", HERE / "atlas.js"))
_markup = st.components.v2.component("linviz_markup", isolate_styles=False, html="<div></div>", js=(
    "export default ({data, parentElement}) => { parentElement.querySelector('div').innerHTML = data; }"))
CARDS = "atlas_cards"  # the key of the cards' view


@st.cache_resource(max_entries=8, show_spinner="Drawing every mechanism on this picture.")
def _content(every: tuple[str, ...], scene: tuple[Any, ...]) -> tuple[list[dict[str, Any]], list[bytes], str]:
    here = sample_scene(*scene)
    frames = frame_pictures(f"{here.clip.name}, {here.grid.Y} patches", here.grid, here.picture)
    return [card_content(mechanism_card(name), scene, concentrate_link((name,), scene[0]))
            for name in every], frames, here.clip.alt


def show_cards(cards: Sequence[Card], every: Sequence[Card], choice: AtlasView, on_pick: Callable[[], None]) -> None:
    """The cards in their order. A click on "compare" sets `st.session_state["atlas_cards"].picks`."""
    show_sections(cards, card_sections(cards, every, choice.sort), choice, on_pick, choice.card)


def show_sections(cards: Sequence[Card], sections: list[dict[str, Any]], choice: AtlasView,
                  on_pick: Callable[[], None], card: str = "") -> None:
    """Cards in their order, under the headings of `card_sections`; the view scrolls to the one of `card`."""
    content, frames, alt = _content(tuple(names()), choice.scene)
    wish = {"order": [c.name for c in cards], "sections": sections, "picked": list(choice.picked), "most": PICKS[1],
            "card": card, "query": first_query(choice.scene)}
    blob = cards_blob(content, frames, alt, sample_scene(*choice.scene), wish)
    _component(data=blob, key=CARDS, on_picks_change=on_pick)


# ------------------------------------------------------------------------------------------------ side by side


def show_side(choice: AtlasView) -> None:
    """The picked mechanisms as large pictures under one pointer, and what each page says."""
    here, cards = sample_scene(*choice.scene), [mechanism_card(name) for name in choice.picked]
    all_of_them = [drawn_map(c.name, *choice.scene) for c in cards]
    panels = [Panel(c.title, c.family, one.reading.map) for c, one in zip(cards, all_of_them) if one.reading]
    for c, one in zip(cards, all_of_them):
        if one.note:
            st.info(f"{c.title}: {one.note}")
    if panels:
        patch_view(pack(panels, here.picture, here.grid, query=first_query(choice.scene)), key="atlas_side")
    _markup(data=comparison_table(cards, choice), key="atlas_compared")


def comparison_table(cards: Sequence[Card], choice: AtlasView) -> str:
    """What is known about some mechanisms, as HTML: one column each."""
    said = [{"idea": c.idea} | card_properties(c, choice) | {"formula": c.formula} for c in cards]
    heads = column_heads([c.family for c in cards], [c.title for c in cards])
    rows = "".join(f'<tr><th scope="row">{escape(name)}</th>{"".join(_cell(name, one[name]) for one in said)}</tr>'
                   for name in said[0] if name != "mechanism")
    return (f'<div class="linviz-numbers atlas-compared" {SCROLLED} style="--columns:{2 * len(cards)}">'
            f"<style>{COMPARED}</style><table><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>")


COMPARED = f".atlas-compared math {{ font: .9em {MATH_FONTS}; }}" + """
.atlas-compared :is(td, th) { text-align: left !important; vertical-align: top; line-height: 1.45;
  padding-top: .3em !important; }
.atlas-compared :is(tbody th, thead td:first-child) { width: 9rem !important; }
.atlas-compared table { table-layout: auto; }
.atlas-compared td { min-width: 14rem; }
.atlas-compared p { margin: 0 0 .5em; }
.atlas-compared p > span { display: inline-block; margin-right: 1.6em; }"""


def _cell(name: str, value: Any) -> str:
    return f"<td>{formula_html(str(value)) if name == 'formula' else escape(str(value))}</td>"


def card_properties(c: Card, choice: AtlasView) -> dict[str, Any]:
    """A row of the table as text: what the class declares, and what is measured on this picture."""
    numbers = card_row(c, choice)
    bits, count = numbers["entropy (bits)"], numbers["operations"]
    return numbers | {"entropy (bits)": "no distribution" if bits is None else three_digits(bits), "year": c.year or "",
                      "operations": "" if count is None else operation_count(count)}


# ------------------------------------------------------------------------------------------------ the table


def card_row(c: Card, choice: AtlasView) -> dict[str, Any]:
    """A row of the table as values."""
    one = drawn_map(c.name, *choice.scene)
    return {"mechanism": c.title, "spec": c.name, "family": c.family, "year": c.year, "cost": f"O({c.cost})",
            "grows as": c.grows, "rank bound": c.rank, "rank bound here": rank_bound(one),
            "entropy (bits)": one.entropy,
            "operations": counted_operations(c.name, *choice.scene), "signed or unnormalised": YES[c.signed],
            "fixed N": YES[c.fixed], "causal form": YES[c.causal], "paper": c.paper}


def show_table(cards: Sequence[Card], choice: AtlasView) -> None:
    """The cards as a table that sorts by a click on a column, and as a file."""
    wait_for_task(20)  # plotly fails where another thread has imported half of pandas: nothing may be on its way
    import pandas as pd
    table = pd.DataFrame([card_row(c, choice) for c in cards])
    formats = {"year": st.column_config.NumberColumn(format="%d"), "entropy (bits)": st.column_config.NumberColumn(
        format="%.2f"), "operations": st.column_config.NumberColumn(format="compact")}
    st.dataframe(table, hide_index=True, column_config=formats, height=38 + 35 * max(1, len(cards)), key="atlas_table")
    st.download_button("Download as CSV", table.to_csv(index=False), "linviz_mechanisms.csv", "text/csv")
    st.caption(f"Measured on {len(choice.grid)} patches with one head. The entropy is the mean of all rows. Operations "
               "are the multiplications and additions in the matrix products of one call, two per pair.")
