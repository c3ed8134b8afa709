"""The spectrum panel: how many directions each map uses, by every name of rank."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from linviz import figures

from ..shared import tables
from . import stage
from .stage import Scene, Shown

CURVES = {"s": "singular values", "cumulative": "cumulative share of s", "energy": "cumulative share of s²"}


def spectrum_of(shown: Shown, here: Scene) -> dict[str, Any] | None:
    """A panel's spectrum: at once where the map has factors or somebody asked before, else None for now."""
    if shown.waiting:
        return None
    said: dict[str, Any] | None = stage.shelf(here).get(("spectrum", shown.key))
    if said is None and stage.factored(shown):
        said = stage.spectrum(None, shown)
        stage.shelf(here).put(("spectrum", shown.key), said)
    return said


def lines(panels: Sequence[Shown], titles: Sequence[str], said: Sequence[dict[str, Any] | None], which: str,
          curve: str) -> list[figures.Line]:
    """What the chart draws: a line for every spectrum that is there."""
    return [figures.Line(title, shown.mechanism.spec, shown.mechanism.family, one[which][curve], one["bound"],
                         one[which]["zero"] if curve == "s" else None)
            for shown, title, one in zip(panels, titles, said) if one]


@st.fragment
def spectra_panel(panels: Sequence[Shown], titles: Sequence[str], here: Scene) -> None:
    """Chart, switches and table. What is not there yet is said; the page runs again when it has come."""
    st.subheader("How many directions a map uses", anchor=False)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    curve = left.radio("Curve", CURVES, format_func=CURVES.get, horizontal=True, key="curve")
    which = "centred" if right.toggle("Mean row removed", key="centred") else "raw"
    said = [spectrum_of(shown, here) for shown in panels]
    dark = st.context.theme.type == "dark"
    drawn = lines(panels, titles, said, which, curve)
    fig = (figures.spectrum(drawn, centred=which == "centred", dark=dark) if curve == "s" else
           figures.cumulative(drawn, power=1 if curve == "cumulative" else 2, centred=which == "centred", dark=dark))
    fig.update_layout(height=380, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)", dragmode=False)
    st.plotly_chart(fig, theme=None, key="spectrum", alt=fig.layout.meta["alt"], config={"displaylogo": False})
    late = [title for title, one in zip(titles, said) if one is None]
    if late:
        st.caption(f"On its way: {', '.join(late)}. A map without factors needs its whole table written out; "
                   "the page stays usable meanwhile.")
    st.html(tables.ranks(panels, titles, said, which))
