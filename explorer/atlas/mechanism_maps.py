"""The maps of the atlas: every mechanism on one picture, from the same q and k. One that cannot be drawn says why."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
import torch

from linviz import Grid, Reading, cost
from linviz.figures.scan_picture import scan_picture
from linviz.mechanisms import REGISTRY
from linviz.mechanisms.attention import Attention
from linviz.palette import MATH_FONTS, live_colours
from linviz.patch_view.blob import encode_blob
from linviz.patch_view.light import FULL, LIGHT
from linviz.patch_view.wires import wire_arrays, wire_shape
from linviz.signed_rows import SIGNED_MEASURES
from linviz.views.panel_options import read_panel
from linviz.views.panel_steps import make_mechanism, measure_panel

from ..shared.number_tables import three_digits
from ..shared.scenes import Scene, sample_scene
from .formula_math import formula_html
from .mechanism_cards import Card, card_tags, example_text


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


@st.cache_resource(max_entries=256, show_spinner=False)
def drawn_map(name: str, clip: str, grid: Grid, temperature: float) -> DrawnMap:
    """One mechanism on one picture."""
    try:
        return _draw(name, sample_scene(clip, grid, temperature))
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
    memory = reading.mechanism.memory
    if memory is not None and memory.erase and torch.equal(here.q, here.k):
        note = SAME_KEYS
    if (text := example_text(name)) != name:
        note = f"Drawn as {text}: at its defaults, this picture would not show it at work. {note}".strip()
    return DrawnMap(name, reading, wire, found.get("entropy"), note, signs)


def _example(name: str, here: Scene) -> Attention:
    spec, options = read_panel(example_text(name))
    return make_mechanism(spec, here, options=options)


@st.cache_data(max_entries=256, show_spinner=False)
def counted_operations(name: str, clip: str, grid: Grid, temperature: float) -> int | None:
    """Multiplications and additions of one head on this picture, counted while it runs; None if it does not run."""
    here = sample_scene(clip, grid, temperature)
    try:
        return cost.flops(_example(name, here), here.q, here.k, here.v)
    except Exception:
        return None


def rank_bound(one: DrawnMap) -> int | None:
    """The rank bound of the map on this picture."""
    return None if one.reading is None else one.reading.map.rank_bound


SAME_KEYS = "q and k are equal here: at beta = 1, with keys of length 1, a patch would read only itself."
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


# ------------------------------------------------------------------------------------------------ for the browser


def card_content(c: Card, one: DrawnMap, link: str) -> dict[str, Any]:
    """A card as the view shows it."""
    facts = [["cost", f"O({c.cost})", f"grows as {c.grows}"],
             ["rank", f"≤ {c.rank}", f"here {rank_bound(one)}" if one.reading else ""],
             *spread_facts(one)]
    return {"name": c.name, "title": c.title, "family": c.family, "year": str(c.year or ""), "idea": c.idea,
            "formula": formula_html(c.formula), "tags": card_tags(c), "facts": facts, "note": one.note, "link": link,
            "scans": scan_pictures(c.name), "wire": one.wire,
            "shares": one.reading is not None and one.reading.map.stochastic}


def spread_facts(one: DrawnMap) -> list[list[str]]:
    """What a card says of the rows: their entropy, or in its place what is measured of signed rows."""
    if one.entropy is not None:
        return [["entropy", f"{three_digits(one.entropy)} bits", "mean of all rows"]]
    if not one.signs:
        return [["entropy", "none: no distribution", ""]]
    share, under, most = (three_digits(one.signs[name] * by) for name, by in zip(SIGNED_MEASURES, (100, 1, 1)))
    return [["negative", f"{share} %, sum {under}", "mean of all rows"], ["largest", f"{most} / N", "mean of all rows"]]


def scan_pictures(name: str) -> list[list[str]]:
    """Every order that a memory offers, by name, with its drawing; empty for mechanisms without the option.

    >>> [scan for scan, _ in scan_pictures("delta")], scan_pictures("softmax")
    (['raster', 'columns', 'both', 'frames'], [])
    """
    declared = REGISTRY[name].settings.get("scan")
    words = declared.kind.limits()["words"] if declared else ()
    return [[scan, scan_picture(name, scan)] for scan in words]


def cards_blob(cards: list[dict[str, Any]], frames: list[bytes], alt: str, here: Scene, wish: dict[str, Any]) -> bytes:
    """Everything the view draws. What is shown of it, in which order, and what is picked is in the wish."""
    grid = here.grid
    return encode_blob({"grid": [grid.T, grid.Y, grid.X], "frames": frames, "alt": alt, "cards": cards, "full": FULL,
                         "light": LIGHT, "colours": live_colours(), "fonts": MATH_FONTS}, wish)
