"""The trained gate's fixation weights on the picture: every head of one layer, on the side of keys and of queries."""
from __future__ import annotations

from typing import Any

import streamlit as st
import torch

from linviz import Grid
from linviz.models.gated_heads import GatedHead, gated_heads

from ..shared.gate_pictures import RATIO_SCALE, frame_url, patches_in_frame, ratio_url, tile_html, tiles_html
from ..shared.number_tables import three_digits
from .arm_paintings import PaintedView
from .colour_kinds import SIDE
from .colours_state import ColourView

GRID = Grid(Y=SIDE, X=SIDE)
MEANING = ("A gate multiplies each feature by a ratio r between 0 and 1. Each picture has, for every patch, the "
           "geometric mean of its channels' ratios.")


def show_gates(view: ColourView, found: PaintedView) -> None:
    """The ratios of every arm that has a gate in this layer; a sentence where none has."""
    st.subheader("Feature fixation weights of the trained gate", anchor=False)
    gated = [arm for arm in found.arms if arm.layer(view.layer).attention.gate is not None]
    if not gated:
        st.caption("None of these arms has a gate: choose relu_floor + gate on the left.")
    for arm in gated:
        layer = arm.layer(view.layer)
        heads = gated_heads(layer.attention, layer.q, layer.k, layer.v)
        st.markdown(f"**{arm.title}, layer {view.layer}.** {MEANING} {hint_ratio_sentence(heads, found)}")
        st.html(heads_html(heads, found))


def hint_ratio_sentence(heads: list[GatedHead], found: PaintedView) -> str:
    """Whether the gate keeps more of a key that is a hint than of one that is not, in the mean over heads."""
    on = found.task.hints[0]
    if not on.any() or on.all():
        return ""
    log = torch.stack([head.token_ratios[1].log10() for head in heads]).mean(0)
    hint, other = (10 ** log[side].mean().item() for side in (on, ~on))
    return f"Keys keep {three_digits(hint)} of their size where a hint is, {three_digits(other)} elsewhere."


def heads_html(heads: list[GatedHead], found: PaintedView) -> str:
    """The photograph, and a card per head with the ratios of keys and queries on the picture."""
    cards = [tile_html("what the models see", [("", frame_url(found.task.hinted_pictures, 224))])]
    said = []
    for number, head in enumerate(heads, 1):
        queries, keys = head.token_ratios
        cards.append(tile_html(f"head {number}", [(name, ratio_url(_on_picture(x)))
                                                  for name, x in (("keys", keys), ("queries", queries))]))
        said.append(f"head {number}: keys from {keys.min():.2g} to {keys.max():.2g}, queries from {queries.min():.2g} "
                    f"to {queries.max():.2g}")
    return tiles_html(cards, f"Fixation ratios on the picture. {'; '.join(said)}.", RATIO_SCALE)


def _on_picture(x: Any) -> Any:
    return patches_in_frame(x[:, None], GRID, 0)[0]
