"""The spectrum panel: how many directions each map uses, by every name of rank."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from linviz import figures

from ..shared.number_tables import rank_table
from ..shared.scenes import KeyedPanel, Scene
from ..shared.widgets import is_dark, show_figure
from . import panel_work
from .panel_work import scene_results

CURVES = {"s": "singular values", "cumulative": "cumulative share of s", "energy": "cumulative share of s²"}


def spectrum_of(panel: KeyedPanel, here: Scene) -> dict[str, Any] | None:
    """A panel's spectrum: at once where the map has factors or somebody asked before, else None for now."""
    if panel.waiting:
        return None
    said: dict[str, Any] | None = scene_results(here).get(("spectrum", panel.result_key))
    if said is None and panel_work.is_factored(panel):
        said = panel_work.spectrum(None, panel)
        scene_results(here).put(("spectrum", panel.result_key), said)
    return said


def spectrum_lines(panels: Sequence[KeyedPanel], titles: Sequence[str], said: Sequence[dict[str, Any] | None],
                   which: str, curve: str) -> list[figures.Line]:
    """What the chart draws: a line for every spectrum that is there."""
    return [figures.Line(title, panel.spec, panel.family, one[which][curve], one["bound"],
                         one[which]["zero"] if curve == "s" else None)
            for panel, title, one in zip(panels, titles, said) if one]


@st.fragment
def spectra_panel(panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene) -> None:
    """Chart, switches and table. What is not there yet is said; the page runs again when it has come."""
    st.header("How many directions a map uses", anchor=False)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    curve = left.radio("Curve", CURVES, format_func=CURVES.get, horizontal=True, key="curve")
    which = "centred" if right.toggle("Mean row removed", key="centred") else "raw"
    said = [spectrum_of(panel, here) for panel in panels]
    dark = is_dark()
    drawn = spectrum_lines(panels, titles, said, which, curve)
    fig = (figures.spectrum(drawn, centred=which == "centred", dark=dark) if curve == "s" else
           figures.cumulative(drawn, power=1 if curve == "cumulative" else 2, centred=which == "centred", dark=dark))
    show_figure(fig, "spectrum", height=380)
    late = [title for title, one in zip(titles, said) if one is None]
    if late:
        st.caption(f"On its way: {', '.join(late)}. A map without factors needs its whole table written out; "
                   "the page stays usable meanwhile.")
    st.html(rank_table(panels, titles, said, which))
