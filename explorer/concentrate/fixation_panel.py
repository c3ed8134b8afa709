"""The fixation panel: what a fitted gate keeps of each channel, patch by patch, and what a shift brings to a patch."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from linviz import clips
from linviz.models.apart import WAYS, compare_parts
from linviz.models.gated_heads import GatedHead, gated_heads
from linviz.patch_view.heat_png import heat_png, picture_url
from linviz.views.gate_heading import gate_heading
from linviz.views.panel_steps import make_mechanism

from ..shared.gate_pictures import (
    RATIO_SCALE,
    SPREAD,
    frame_url,
    matrix_html,
    patches_in_frame,
    ratio_url,
    scale_html,
    spread_table,
    tile_html,
    tiles_html,
)
from ..shared.live_state import query_place, query_words
from ..shared.number_tables import NONE, html_table, three_digits
from ..shared.scenes import KeyedPanel, Scene
from .panel_work import scene_results
from .shift_pictures import show_shift

MOST = 18  # channels that are drawn
LARGE = 4  # times the mean: what the scale of sizes ends at
MEANING = ("The gate multiplies each feature of a query and of a key by a ratio r between 0 and 1. Near 1 it keeps the "
           "feature, near 0 it shuts it.")
COUNTED = ("A channel's share is the part of a patch's attention that runs through it. The channels in use are counted "
           "as effective tokens are: 2 to the power of the entropy.")
CANCELS = ("A factor that a query has in all channels cancels in its row. For keys, only a factor of all patches "
           "cancels.")
SIZES = ("The size of a patch's features, summed over channels, before and after the gate. A query's size cancels in "
         "its row; a key with a greater size is seen more.")


def gated_panels(panels: Sequence[KeyedPanel]) -> list[int]:
    """Which panels have a gate that is fitted."""
    return [n for n, panel in enumerate(panels) if panel.mechanism.gate is not None and not panel.waiting]


@st.fragment
def fixation_panel(panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene, query: int) -> None:
    """Shown where something is gated or shifted; everything but the pinned row is drawn once and kept."""
    which = [n for n, panel in enumerate(panels) if n in gated_panels(panels) or panel.mechanism.parsed.shift]
    if not which:
        return
    st.subheader("Feature fixation weights", anchor=False)
    if here.q.shape[1] > 1 or here.key_grid is not None:
        st.caption("The weights are shown of one head at a time, and of keys that lie where the queries lie.")
        return
    n = which[0] if len(which) == 1 else st.radio("Of", which, format_func=lambda i: titles[i], horizontal=True,
                                                  key="apart_of")
    if n in gated_panels(panels):
        show_weights(panels[n], here, query)
    if panels[n].mechanism.parsed.shift:
        show_shift(panels[n], here, query)


# ------------------------------------------------------------------------------------------------ the weights


def gated_head(panel: KeyedPanel, here: Scene) -> GatedHead:
    """The gate of a panel in numbers, kept with the scene's other results."""
    return scene_results(here).keep(("gated head", panel.result_key), lambda: gated_heads(
        panel.mechanism, panel.reading.q, panel.reading.k, panel.reading.v)[0])


def show_weights(panel: KeyedPanel, here: Scene, query: int) -> None:
    """What is to be seen, the ratios on the picture and along a row, features before and after, and numbers."""
    head, t = gated_head(panel, here), query_place(query, here.grid)[0]
    st.markdown(f"**{gate_heading(*head.use)}.** {MEANING}")
    ratios, sizes = gate_tiles(panel, here, t)
    st.html(ratios)
    st.caption(f"{COUNTED} {CANCELS}")
    st.html(ratio_rows(head, here, query))
    st.html(sizes)
    st.caption(SIZES)
    st.html(spread_table([("Ratios of queries", head.spread[0]), ("Ratios of keys", head.spread[1])]))
    st.caption(SPREAD if head.agreement is None else f"{SPREAD} Correlation of the log r of queries and keys: "
               f"{head.agreement:.2f} (1: the same pattern, 0: unrelated).")
    if st.toggle("Take the gate apart: which part of it does the work", key="apart", persist_state="session"):
        show_parts(panel, here)


def gate_tiles(panel: KeyedPanel, here: Scene, t: int) -> tuple[str, str]:
    """Ratios and sizes of features on frame t of the picture, kept with the scene's other results."""
    def made() -> tuple[str, str]:
        head = gated_head(panel, here)
        return ratio_tiles(head, here, t), size_tiles(head, here, t)
    return scene_results(here).keep(("gate tiles", panel.result_key, t), made)


def ratio_tiles(head: GatedHead, here: Scene, t: int) -> str:
    """A card per channel: its ratios on the picture, of queries and of keys."""
    names, shown = channel_names(head.ratios[0].shape[-1]), head.use[1].busiest(MOST)
    sides = [patches_in_frame(r, here.grid, t) for r in head.ratios]
    middle = [patches_in_frame(r[:, None], here.grid, t)[0] for r in head.token_ratios]
    cards = [tile_html("the picture", [("", frame_url(here.picture.frames[t:t + 1]))]),
             tile_html("all channels", _sides(middle), "(geometric mean)")]
    cards += [tile_html(names[c], _sides([side[c] for side in sides]), _share_note(head, c)) for c in shown]
    levels = [f"{names[c]}: queries {head.levels[0][c]:.2g}, keys {head.levels[1][c]:.2g}" for c in shown]
    some = "" if len(shown) == len(names) else f" with the greatest shares, of {len(names)},"
    return tiles_html(cards, f"Fixation ratios of {len(shown)} channels{some} laid out like the {here.grid.Y} x "
                             f"{here.grid.X} patches of the picture, queries and keys. Typical ratios: "
                             f"{'; '.join(levels)}.", RATIO_SCALE)


def _sides(pair: Sequence[Tensor]) -> list[tuple[str, str]]:
    return list(zip(("queries", "keys"), map(ratio_url, pair)))


def _share_note(head: GatedHead, c: int) -> str:
    before, after = (100 * use.shares[c].item() for use in head.use)
    return f"share {before:.0f} → {after:.0f} %"


def ratio_rows(head: GatedHead, here: Scene, query: int) -> str:
    """Ratios channel by patch along the pinned row of patches."""
    t, y, x = query_place(query, here.grid)
    names, shown = channel_names(head.ratios[0].shape[-1]), head.use[1].busiest(MOST)
    first = here.grid.number(t, y, 0)
    rows = [r[first:first + here.grid.X, shown].mT for r in head.ratios]
    own = "; ".join(f"{names[c]} {rows[0][n, x]:.2g} and {rows[1][n, x]:.2g}" for n, c in enumerate(shown))
    return matrix_html(list(zip(("queries", "keys"), rows)), [names[c] for c in shown],
                       f"patches of row {y + 1}, left to right; framed: the pinned one",
                       f"Fixation ratios by channel (down) and patch of row {y + 1} (across). The pinned "
                       f"{query_words(query, here.grid)}, as query and as key: {own}.", (x, here.grid.X))


def size_tiles(head: GatedHead, here: Scene, t: int) -> str:
    """Sizes of features on the picture, before and after the gate, on one scale."""
    titles = ("queries", "queries, gated", "keys", "keys, gated")
    maps = [patches_in_frame(x[:, None], here.grid, t)[0] for x in head.sizes]
    cards = [tile_html(title, [("", picture_url(heat_png(x.numpy(), 0.0, LARGE, "viridis")))])
             for title, x in zip(titles, maps)]
    said = " ".join(f"{title}: from {x.min():.2g} to {x.max():.2g}." for title, x in zip(titles, maps))
    ticks = (*map(str, range(LARGE)), f"{LARGE} or more")
    scale = scale_html("size of the features, times its mean", ticks, "viridis")
    return tiles_html(cards, f"The size of features on the picture, before and after the gate. {said}", scale)


def channel_names(n: int) -> list[str]:
    """What the channels of features are called: as the descriptors, where there is one for each.

    >>> channel_names(2)
    ['channel 1', 'channel 2']
    """
    return list(clips.CHANNELS[:n]) if n in (16, 18) else [f"channel {c}" for c in range(1, n + 1)]


# ------------------------------------------------------------------------------------------------ parts


def show_parts(panel: KeyedPanel, here: Scene) -> None:
    """The table of what is left of the gate's work when a part of it is taken away."""
    try:
        st.html(parts_table(gate_apart(panel, here)))
    except ValueError as error:
        st.caption(f"Its parts cannot be told apart: {error}.")


@torch.no_grad()
def gate_apart(panel: KeyedPanel, here: Scene) -> dict[str, Any]:
    """The gate taken apart, kept with the scene's other results."""
    qkv = here.q, here.k, here.v
    return scene_results(here).keep(("apart", panel.result_key), lambda: compare_parts(
        panel.mechanism, *qkv, make_mechanism("softmax", here).map(*qkv)))


def parts_table(found: dict[str, Any]) -> str:
    """As HTML: a row a way, its entropy and the share of softmax's concentration that it recovers."""
    body = [f'<tr><th scope="row">{escape(WAYS[name])}</th><td>{three_digits(one["entropy"])}</td>'
            f'<td>{NONE if one["recovered"] is None else three_digits(100 * one["recovered"])}</td></tr>'
            for name, one in found.items()]
    heads = ('<th scope="col">entropy <span class="unit">(bits)</span></th>'
             '<th scope="col">of softmax\'s concentration <span class="unit">(%)</span></th>')
    return html_table(heads, "", body)
