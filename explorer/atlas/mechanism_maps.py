"""The maps of the atlas: every mechanism on one picture, from the same q and k. One that cannot be drawn says why."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
import torch

from linviz import Grid, Reading, cost
from linviz.palette import live_colours
from linviz.patch_view.blob import encode
from linviz.patch_view.wires import extent, numbers
from linviz.views.row_stats import measured

from ..concentrate import stage
from ..concentrate.stage import Scene
from ..shared.tables import three
from .atlas_cards import Card, tags


@dataclass(frozen=True, eq=False)
class Drawn:
    """A mechanism on a picture: its reading, what the browser needs to draw it, the mean entropy of its rows in bits.

    entropy is None where rows are no shares; `note` says in a sentence what is special, or why there is no map.
    """

    name: str
    reading: Reading | None = None
    wire: dict[str, Any] | None = None
    entropy: float | None = None
    note: str = ""


@st.cache_resource(max_entries=256, show_spinner=False)
def drawn(name: str, clip: str, grid: Grid, temperature: float) -> Drawn:
    """One mechanism on one picture."""
    try:
        return _draw(name, stage.scene(clip, grid, temperature))
    except Exception as error:  # whatever a method does not like, the others are drawn
        return Drawn(name, note=f"Cannot be drawn here: {error or type(error).__name__}")


@torch.no_grad()
def _draw(name: str, here: Scene) -> Drawn:
    reading, _ = measured(stage.make(name, here), here.q, here.k, here.v, here.causal)
    wire, N = numbers(reading.map.wire((0, 0)), half=True), len(here.grid)
    if extent(wire) != (N, N):
        raise ValueError(f"its map is {extent(wire)}, not one of {N} patches by {N}")
    entropy, note = None, ""
    if reading.map.stochastic:
        entropy = reading.summary(spectrum=False).get("entropy")
    if reading.channel is not None:
        note = f"One map a channel of v; this is channel {reading.channel + 1} of {here.v.shape[-1]}."
    return Drawn(name, reading, wire, entropy, note)


@st.cache_data(max_entries=256, show_spinner=False)
def operations(name: str, clip: str, grid: Grid, temperature: float) -> int | None:
    """Multiplications and additions of one head on this picture, counted while it runs; None if it does not run."""
    here = stage.scene(clip, grid, temperature)
    try:
        return cost.flops(stage.make(name, here), here.q, here.k, here.v)
    except Exception:
        return None


def bound(one: Drawn) -> int | None:
    """The rank bound of the map on this picture."""
    return None if one.reading is None else one.reading.map.rank_bound


NEAR = 4  # patches around the clip's own query


def first_query(scene: tuple[str, Grid, float]) -> int:
    """The patch that asks first: near the clip's query, and its softmax row is about as wide as all rows on average."""
    here, soft = stage.scene(*scene), drawn("softmax", *scene)
    if soft.reading is None or soft.entropy is None:
        return here.query
    places = here.grid.places()
    apart = (places - places[here.query]).abs()
    far = (apart[:, 0] > 0) | (apart[:, 1:].amax(-1) > NEAR)
    return int((soft.reading.entropy[0, 0] - soft.entropy).abs().masked_fill(far, torch.inf).argmin())


# ------------------------------------------------------------------------------------------------ for the browser


def sent(c: Card, one: Drawn, link: str) -> dict[str, Any]:
    """A card as the view shows it."""
    facts = [["cost", f"O({c.cost})", f"grows as {c.grows}"],
             ["rank", f"≤ {c.rank}", f"here {bound(one)}" if one.reading else ""],
             ["entropy", "none: no shares" if one.entropy is None else f"{three(one.entropy)} bits",
              "" if one.entropy is None else "mean of all rows"]]
    return {"name": c.name, "title": c.title, "family": c.family, "year": str(c.year or ""), "idea": c.idea,
            "formula": c.formula, "tags": tags(c), "facts": facts, "note": one.note, "link": link, "wire": one.wire,
            "shares": one.reading is not None and one.reading.map.stochastic}


def blob(cards: list[dict[str, Any]], frames: list[bytes], alt: str, here: Scene, wish: dict[str, Any]) -> bytes:
    """Everything the view draws. What is shown of it, in which order, and what is picked is in the wish."""
    grid = here.grid
    return encode({"grid": [grid.T, grid.Y, grid.X], "frames": frames, "alt": alt, "cards": cards, "full": 12,
                   "floor": 0.04, "colours": live_colours()}, wish)
