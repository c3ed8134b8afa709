"""The view of the page Who sees whom: frames of a clip with what each scheme reaches, as a Streamlit component."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any

import streamlit as st

from linviz import Grid, clips
from linviz.patch_view import source
from linviz.patch_view.blob import encode, picture

from .reach_schemes import ORDINALS, SCHEMES
from .reach_work import Reached, alt, amount, share

SHARP = 320  # pixels: a frame is shown small
HERE = Path(__file__).parent
_component = st.components.v2.component("linviz_reach_view", js=source(HERE / "reach_film.js", HERE / "reach.js"))


@st.cache_data(max_entries=16, show_spinner=False)
def frames(name: str, grid: Grid, _clip: clips.Clip) -> list[bytes]:
    """The frames as JPEG."""
    out = []
    for frame in _clip.frames:
        image, file = picture(frame), BytesIO()
        image.thumbnail((SHARP, SHARP))
        image.save(file, "JPEG", quality=85)
        out.append(file.getvalue())
    return out


def panel(found: Reached) -> dict[str, Any]:
    """One scheme as the view shows it."""
    rows = [{"layers": f"in {layers}", "tokens": f"{seen:,}", "share": share(seen, len(found.levels)),
             "work": amount(work)}
            for layers, seen, work in zip(ORDINALS, found.tokens, accumulate(found.flops))]
    return {"title": SCHEMES[found.scheme].title, "note": SCHEMES[found.scheme].note, "levels": found.levels.numpy(),
            "rows": rows}


def reach_view(found: Sequence[Reached], clip: clips.Clip, grid: Grid, query: int, key: str,
               on_click: Callable[[], None]) -> None:
    """Show what each scheme reaches from the query; a click sets `st.session_state[key].query["query"]`."""
    content = {"grid": [grid.T, grid.Y, grid.X], "frames": frames(clip.name, grid, clip), "alt": alt(found, clip.alt),
               "panels": [panel(one) for one in found]}
    _component(data=encode(content, {"query": query}), key=key, on_query_change=on_click)
