"""A neighbour shift on the picture: where the content came from that the pinned patch mixes in."""
from __future__ import annotations

import streamlit as st
import torch

from linviz.fixation import content_weights
from linviz.patch_view.heat_png import heat_png, picture_url

from ..shared.gate_pictures import patches_in_frame, scale_html, tile_html, tiles_html
from ..shared.live_state import query_place
from ..shared.scenes import KeyedPanel, Scene
from ..shared.shift_table import shift_table, shift_words

CONTENT = ("The weight of a patch lies on shifted content. On the right, each part of it is counted where it came "
           "from.")


def show_shift(panel: KeyedPanel, here: Scene, query: int) -> None:
    """Which neighbour passes on which channels, and where the content came from that the pinned patch mixes in."""
    width = here.v.shape[-1]
    st.markdown(shift_words(panel.mechanism, width))
    st.html(shift_table(panel.mechanism, width))
    st.html(content_tiles(panel, here, query, panel.mechanism.parsed.shift or "time"))
    st.caption(CONTENT)


def content_tiles(panel: KeyedPanel, here: Scene, query: int, axis: str) -> str:
    """The pinned patch's row where the weight lies, and where the content came from, on one scale."""
    t = query_place(query, here.grid)[0]
    row = panel.reading.map.rows(torch.tensor([query]))[0, 0, 0].double()
    both = row, content_weights(row, here.grid, here.v.shape[-1], axis)
    maps = [patches_in_frame(x[:, None] * len(here.grid), here.grid, t)[0] for x in both]
    top = max(x.max().item() for x in maps)
    titles = "where the weight lies", "where the content came from"
    cards = [tile_html(title, [("", picture_url(heat_png(x.numpy(), 0.0, top, "viridis")))])
             for title, x in zip(titles, maps)]
    said = " ".join(f"{title}: from {x.min():.2g} to {x.max():.2g}." for title, x in zip(titles, maps))
    scale = scale_html("weight, times its mean", ("0", f"{top / 2:.2g}", f"{top:.2g}"), "viridis")
    return tiles_html(cards, f"The row of the pinned patch on the picture, in frame {t + 1}. {said}", scale)
