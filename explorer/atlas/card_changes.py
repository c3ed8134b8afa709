"""What a mechanism changes in the one before it: facts of both, side by side; no sentence is written by hand."""
from __future__ import annotations

from functools import cache
from typing import Any

from linviz.evidence import LENGTHS, read_data
from linviz.maps import Map
from linviz.query_length import LengthSensitivity

from ..shared.number_tables import three_digits
from .mechanism_cards import Card, mechanism_card
from .mechanism_maps import DrawnMap

KINDS = {  # of maps, by the name of their class
    "Scores": "a softmax over all pairs", "FunctionScores": "a score for every pair", "Tiles": "pairs in chosen tiles",
    "Blocks": "pairs inside boxes", "Sparse": "a few keys per query", "Factored": "two thin factors",
    "KernelMap": "features of q and k, divided by the row sum",
    "RotatedKernel": "rotated features, divided by the row sum before rotation",
    "FactoredBlocks": "one summary per block of keys",
    "CausalFactored": "running sums", "CausalExponential": "running sums", "CausalBlocks": "running sums of blocks",
    "ReweightedTable": "a table of positions, times a number per key", "Banded": "a number per key, a table nearby",
    "Dense": "a table"}
ANSWERS = {"none": "no effect", "slight": "a slight effect", "until full": "an effect up to a limit",
           "in proportion": "all weights grow alike", "sharper": "a sharper row", "contrast": "more contrast",
           "flatter": "a flatter row"}


def map_kind(m: Map) -> str:
    """What kind of map this is, in a few words; a map made of others is told by its parts.

    >>> import torch
    >>> from linviz.maps import Factored, Sum
    >>> thin = Factored(torch.ones(4, 1), torch.ones(4, 1))
    >>> map_kind(thin), map_kind(Sum(thin, thin))
    ('two thin factors', 'two thin factors + two thin factors')
    """
    if type(m).__name__ == "Memory":
        return "a memory that is overwritten" if getattr(m, "erase", 0) else "a memory that fades"
    if inner := getattr(m, "inner", None):
        return map_kind(inner)
    if parts := [part[-1] if isinstance(part, tuple) else part for part in getattr(m, "parts", ())]:
        if type(m).__name__ != "Blocks":
            return " + ".join(map(map_kind, parts))
    return KINDS.get(type(m).__name__, type(m).__name__)


@cache
def stored_answers() -> dict[str, LengthSensitivity]:
    """By mechanism, what the length of the query does on the opening picture, as it was measured and stored."""
    found = read_data(LENGTHS)
    return {name: LengthSensitivity(tuple(found["factors"]), row["entropy"] and tuple(row["entropy"]),
                                    tuple(row["largest"])) for name, row in found.get("rows", {}).items()}


def length_fact(name: str) -> list[str]:
    """What a longer query does, as a line of a card: its name, the answer, and the numbers; empty if not measured."""
    if (one := stored_answers().get(name)) is None:
        return []
    numbers = ", ".join(map(three_digits, one.values))
    return ["longer q", ANSWERS[one.answer], f"{numbers} bits" if one.entropy else f"largest {numbers} × 1/N"]


def compared_facts(c: Card, one: DrawnMap) -> dict[str, str]:
    """What is compared between two mechanisms, beside their formulas."""
    m = one.reading.map if one.reading else None
    answer = length_fact(c.name)
    return {"map": map_kind(m) if m else "", "rows": "" if m is None else "probability distributions" if m.stochastic
            else "signed, or not summing to one", "rank": f"≤ {c.rank}" + (f", here {m.rank_bound}" if m else ""),
            "cost": c.order, "longer q": "; ".join(answer[1:])}


def changed_facts(c: Card, one: DrawnMap, earlier: DrawnMap) -> dict[str, Any]:
    """What the view shows of a mechanism beside the one that it changes: rows that differ, and what stays the same."""
    before = mechanism_card(c.after)
    old, new = compared_facts(before, earlier), compared_facts(c, one)
    same = [fact for fact in new if old[fact] == new[fact]]
    if length_fact(before.name)[:2] == length_fact(c.name)[:2]:  # of a longer q only the answer is compared
        same.append("longer q")
    return {"name": before.name, "title": before.title, "same": [fact for fact in new if fact in same],
            "rows": [[fact, old[fact], new[fact]] for fact in new if fact not in same]}
