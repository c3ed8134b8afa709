"""What the browser needs to draw the cards and the line of contrast, as plain data."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from linviz.contrast import PLACES, ContrastLine
from linviz.mechanisms import REGISTRY
from linviz.palette import MATH_FONTS, live_colours
from linviz.patch_view.blob import encode_blob
from linviz.patch_view.light import FULL, LIGHT
from linviz.patch_view.wires import wire_arrays

from ..shared.number_tables import three_digits
from ..shared.scenes import Scene
from .card_changes import changed_facts, length_fact
from .formula_math import formula_html
from .mechanism_cards import Card, card_tags
from .mechanism_maps import drawn_map, rank_bound


def card_content(c: Card, scene: tuple[Any, ...], link: str) -> dict[str, Any]:
    """A card as the view shows it."""
    one = drawn_map(c.name, *scene)
    facts = [["cost", f"O({c.cost})", f"grows as {c.grows}"],
             ["rank", f"≤ {c.rank}", f"here {rank_bound(one)}" if one.reading else ""],
             ["entropy", "none: no distribution" if one.entropy is None else f"{three_digits(one.entropy)} bits",
              "" if one.entropy is None else "mean of all rows"], *filter(None, [length_fact(c.name)])]
    shares = one.reading is not None and one.reading.map.stochastic
    tags = card_tags(replace(c, signed=not shares) if one.reading else c)
    change = changed_facts(c, one, drawn_map(c.after, *scene)) if c.after in REGISTRY else None
    return {"name": c.name, "title": c.title, "family": c.family, "year": str(c.year or ""), "idea": c.idea,
            "formula": formula_html(c.formula), "tags": tags, "facts": facts, "note": one.note, "link": link,
            "change": change, "wire": one.wire, "signed": one.signed, "shares": shares}


def cards_blob(cards: list[dict[str, Any]], frames: list[bytes], alt: str, here: Scene, wish: dict[str, Any]) -> bytes:
    """Everything the cards draw. What is shown of it, in which order, and what is picked is in the wish."""
    return encode_blob(_picture(frames, alt, here) | {"cards": cards, "fonts": MATH_FONTS}, wish)


def contrast_blob(frames: list[bytes], alt: str, here: Scene, query: int) -> bytes:
    """Everything the line of contrast draws: the picture, linear attention on it, four names and their places."""
    line = wire_arrays(ContrastLine.of(here.q, here.k).wire((0, 0)), half=True)
    titles = [[name, REGISTRY[name].title] for name in PLACES]  # in their order on the line
    return encode_blob(_picture(frames, alt, here) | {"line": line, "titles": titles}, {"query": query})


def _picture(frames: list[bytes], alt: str, here: Scene) -> dict[str, Any]:
    grid = here.grid
    return {"grid": [grid.T, grid.Y, grid.X], "frames": frames, "alt": alt, "full": FULL, "light": LIGHT,
            "colours": live_colours()}
