"""The maps of the atlas: every mechanism on one picture, from the same q and k. One that cannot be drawn says why."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
import torch

from linviz import Grid, Reading, cost, make
from linviz.mechanisms.attention import Attention
from linviz.patch_view.wires import wire_arrays, wire_shape
from linviz.signed_rows import SIGNED_MEASURES
from linviz.views.panel_options import read_panel
from linviz.views.panel_steps import make_mechanism, measure_panel

from ..shared.scenes import Scene, sample_scene
from .mechanism_cards import example_text


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """A mechanism on a picture: its reading, what the browser needs to draw it, the mean entropy of its rows in bits.

    entropy is None where rows are not probability distributions; then `signs` has the means of what is measured in its
    place. `note` says in a sentence what is special, or why there is no map.
    """

    name: str
    reading: Reading | None = None
    wire: dict[str, Any] | None = None
    entropy: float | None = None
    note: str = ""
    signs: Mapping[str, float] = field(default_factory=dict)

    @property
    def signed(self) -> bool:
        """Whether a weight is negative."""
        return self.signs.get("negative_share", 0) > 0


@st.cache_resource(max_entries=256, show_spinner=False)
def drawn_map(name: str, clip: str, grid: Grid, temperature: float) -> DrawnMap:
    """One mechanism on one picture."""
    try:
        return _draw(name, sample_scene(clip, grid, temperature, keys=KEYS[erases(name)]))
    except Exception as error:  # whatever is wrong with one method, the others are drawn
        return DrawnMap(name, note=f"Cannot be drawn here: {error or type(error).__name__}")


@torch.no_grad()
def _draw(name: str, here: Scene) -> DrawnMap:
    reading = measure_panel(_example(name, here), here).reading
    wire, N = wire_arrays(reading.map.wire((0, 0)), half=True), len(here.grid)
    if wire_shape(wire) != (N, N):
        raise ValueError(f"its map is {wire_shape(wire)}, not one of {N} patches by {N}")
    found, note = reading.summary(spectrum=False, of_rows=("entropy",)), ""
    signs = {measure: found[measure] for measure in SIGNED_MEASURES if measure in found}
    if reading.channel is not None:
        note = f"Every channel of v has its own map; this is channel {reading.channel + 1} of {here.v.shape[-1]}."
    if erases(name):
        note = KEYS_AROUND
    if (text := example_text(name)) != name:
        note = f"Drawn as {text}: at its defaults, this picture would not show it at work. {note}".strip()
    return DrawnMap(name, reading, wire, found.get("entropy"), note, signs)


def erases(name: str) -> bool:
    """Whether a mechanism is a memory that erases what it holds under a key before it writes.

    >>> erases("delta"), erases("retention"), erases("softmax")
    (True, False, False)
    """
    memory = getattr(make(name, heads=1, width=2, grid=Grid(1, 2, 2)), "memory", None)
    return bool(memory is not None and memory.erase)


def _example(name: str, here: Scene) -> Attention:
    spec, options = read_panel(example_text(name))
    return make_mechanism(spec, here, options=options)


@st.cache_data(max_entries=256, show_spinner=False)
def counted_operations(name: str, clip: str, grid: Grid, temperature: float) -> int | None:
    """Multiplications and additions of one head on this picture, counted while it runs; None if it does not run."""
    here = sample_scene(clip, grid, temperature, keys=KEYS[erases(name)])
    try:
        return cost.flops(_example(name, here), here.q, here.k, here.v)
    except Exception:
        return None


def rank_bound(one: DrawnMap) -> int | None:
    """The rank bound of the map on this picture."""
    return None if one.reading is None else one.reading.map.rank_bound


KEYS = {False: "own", True: "around"}  # with q = k and keys of length 1, a memory that erases would read only itself
KEYS_AROUND = "A key describes the patches around its own here: with q = k, beta = 1, a patch would read only itself."
NEAR = 4  # patches around the clip's own query


def first_query(scene: tuple[str, Grid, float]) -> int:
    """The patch that asks first: near the clip's query, and its softmax row is about as wide as all rows on average."""
    here, soft = sample_scene(*scene), drawn_map("softmax", *scene)
    if soft.reading is None or soft.entropy is None:
        return here.query
    places = here.grid.places()
    apart = (places - places[here.query]).abs()
    far = (apart[:, 0] > 0) | (apart[:, 1:].amax(-1) > NEAR)
    return int((soft.reading.entropy[0, 0] - soft.entropy).abs().masked_fill(far, torch.inf).argmin())
