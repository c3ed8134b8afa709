"""The view of the page Who sees whom: frames of a clip with what each scheme reaches, as a Streamlit component."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import streamlit as st

from linviz import Grid, clips
from linviz.patch_view import module_source
from linviz.patch_view.blob import encode_blob

from ..shared.frame_pictures import frame_pictures
from ..shared.number_tables import operation_count
from .reach_schemes import ORDINALS, SCHEMES
from .reached_layers import ReachedLayers, percent_of, reach_alt

HERE = Path(__file__).parent
_component = st.components.v2.component("linviz_reach_view", js=module_source(
    HERE / "../shared/frames_page.js", HERE / "reach_film.js", HERE / "reach.js"))


def panel_content(found: ReachedLayers) -> dict[str, Any]:
    """One scheme as the view shows it."""
    rows = [{"layers": f"in {layers}", "tokens": f"{seen:,}", "share": percent_of(seen, len(found.levels)),
             "work": operation_count(work)}
            for layers, seen, work in zip(ORDINALS, found.tokens, accumulate(found.flops))]
    return {"title": SCHEMES[found.scheme].title, "note": SCHEMES[found.scheme].note, "levels": found.levels.numpy(),
            "rows": rows}


def reach_view(found: Sequence[ReachedLayers], clip: clips.Clip, grid: Grid, query: int, key: str,
               on_click: Callable[[], None]) -> None:
    """Show what each scheme reaches from the query; a click sets `st.session_state[key].query["query"]`."""
    content = {"grid": [grid.T, grid.Y, grid.X], "frames": frame_pictures(clip.name, grid, clip),
               "alt": reach_alt(found, clip.alt), "panels": [panel_content(one) for one in found]}
    _component(data=encode_blob(content, {"query": query}), key=key, on_query_change=on_click)
