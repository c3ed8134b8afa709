"""A neighbour shift: which channels come from which neighbour, and where the content of a patch's row came from."""
from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
import torch

from linviz.fixation import PARTS, STEPS, content_weights
from linviz.patch_view.heat_png import heat_png, png_url

from ..shared.gate_pictures import patches_in_frame, scale_html, tile_html, tiles_html
from ..shared.live_state import query_place
from ..shared.scenes import KeyedPanel, Scene

ARROWS = {(-1, 0): "↓", (1, 0): "↑", (0, -1): "→", (0, 1): "←", (-1, -1): "↘", (1, 1): "↖", (-1, 1): "↙", (1, -1): "↗"}
PLACES = {"space": {step: " ".join(filter(None, (("above", "", "below")[step[0] + 1],
                                                 ("on the left", "", "on the right")[step[1] + 1])))
                    for step in ARROWS},
          "time": {(0, -1): "the frame before", (0, 1): "the next frame"}}
MEANING = ("The shift acts before features and gate. A patch takes some channels of k and v from its neighbours, so "
           "the gate can compare it with them.")
CONTENT = ("The weight of a patch lies on shifted content. On the right, each part of it is counted where it came "
           "from.")


def show_shift(panel: KeyedPanel, here: Scene, query: int) -> None:
    """Which neighbour passes on which channels, and where the content came from that the pinned patch mixes in."""
    axis, width = panel.mechanism.parsed.shift or "time", here.v.shape[-1]
    parts = panel.mechanism.shift_parts or PARTS[axis]
    sizes = [width // parts] * len(STEPS[axis])
    moved = sum(sizes)
    st.markdown(f"**The shift in {axis} takes {moved} of {width} channels from neighbours.** {MEANING}")
    st.html(arrows_table(axis, fold_names([*sizes, width - moved])))
    st.html(content_tiles(panel, here, query, axis))
    st.caption(CONTENT)


def arrows_table(axis: str, names: Sequence[str]) -> str:
    """The neighbours as a table in the layout of the grid, each with the channels it passes on and an arrow."""
    passed = {(step[1], step[2]) if axis == "space" else (0, step[0]): name for step, name in zip(STEPS[axis], names)}
    rows = (-1, 0, 1) if axis == "space" else (0,)
    cells = [[f"<td><b>the patch</b> keeps {names[-1]}</td>" if (y, x) == (0, 0) else
              f"<td><b>{PLACES[axis][y, x]}</b> {passed[y, x]} <i>{ARROWS[y, x]}</i></td>" for x in (-1, 0, 1)]
             for y in rows]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f'<table class="linviz-shift"><caption>from which neighbour, in {axis}</caption><tbody>{body}</tbody></table>'


def content_tiles(panel: KeyedPanel, here: Scene, query: int, axis: str) -> str:
    """The pinned patch's row where the weight lies, and where the content came from, on one scale."""
    t = query_place(query, here.grid)[0]
    row = panel.reading.map.rows(torch.tensor([query]))[0, 0, 0].double()
    both = row, content_weights(row, here.grid, here.v.shape[-1], axis)
    maps = [patches_in_frame(x[:, None] * len(here.grid), here.grid, t)[0] for x in both]
    top = max(x.max().item() for x in maps)
    titles = "where the weight lies", "where the content came from"
    cards = [tile_html(title, [("", png_url(heat_png(x.numpy(), 0.0, top, "viridis")))])
             for title, x in zip(titles, maps)]
    said = " ".join(f"{title}: from {x.min():.2g} to {x.max():.2g}." for title, x in zip(titles, maps))
    scale = scale_html("weight, times its mean", ("0", f"{top / 2:.2g}", f"{top:.2g}"), "viridis")
    return tiles_html(cards, f"The row of the pinned patch on the picture, in frame {t + 1}. {said}", scale)


def fold_names(sizes: Sequence[int]) -> list[str]:
    """Names of runs of channels, counted from 1.

    >>> fold_names([4, 4, 8]), fold_names([1, 2])
    (['channels 1 to 4', 'channels 5 to 8', 'channels 9 to 16'], ['channel 1', 'channels 2 to 3'])
    """
    found, first = [], 1
    for size in sizes:
        found.append(f"channel {first}" if size == 1 else f"channels {first} to {first + size - 1}")
        first += size
    return found
