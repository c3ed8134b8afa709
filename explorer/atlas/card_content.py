"""What the browser needs to draw the cards and the line of contrast, as plain data."""
from __future__ import annotations

from dataclasses import replace
from typing import Any

from linviz.contrast import PLACES, ContrastLine
from linviz.figures.scan_picture import scan_picture
from linviz.mechanisms import REGISTRY
from linviz.palette import MATH_FONTS, live_colours
from linviz.patch_view.blob import encode_blob
from linviz.patch_view.light import FULL, LIGHT
from linviz.patch_view.wires import wire_arrays
from linviz.signed_rows import SIGNED_MEASURES

from ..shared.number_tables import three_digits
from ..shared.scenes import Scene
from .card_changes import changed_facts, length_fact
from .formula_math import formula_html
from .mechanism_cards import Card, card_tags
from .mechanism_maps import DrawnMap, drawn_map, rank_bound


def card_content(c: Card, scene: tuple[Any, ...], link: str) -> dict[str, Any]:
    """A card as the view shows it."""
    one = drawn_map(c.name, *scene)
    facts = [["cost", c.order, f"grows as {c.grows}"],
             ["rank", f"≤ {c.rank}", f"here {rank_bound(one)}" if one.reading else ""],
             *spread_facts(one), *filter(None, [length_fact(c.name)])]
    shares = one.reading is not None and one.reading.map.stochastic
    tags = card_tags(replace(c, signed=not shares) if one.reading else c)
    change = changed_facts(c, one, drawn_map(c.after, *scene)) if c.after in REGISTRY else None
    return {"name": c.name, "title": c.title, "family": c.family, "year": str(c.year or ""), "idea": c.idea,
            "formula": formula_html(c.formula), "tags": tags, "facts": facts, "note": one.note, "link": link,
            "change": change, "scans": scan_pictures(c.name), "wire": one.wire, "signed": one.signed, "shares": shares}


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
