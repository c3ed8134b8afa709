"""The quiz of chapter 0, start here. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import clips, concentration, make
from .. import pictures
from ..quiz import Choice, Question, Quiz

SIZES = 6, 4  # queries, keys


def recount_table() -> Mapping[str, str]:
    """What a table of shares sums to."""
    N, S = SIZES
    a = torch.randn(N, S, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(-1)
    return {"N": f"{N}", "S": f"{S}", "all": f"{a.sum().item():.0f}"}


def recount_apply() -> Mapping[str, str]:
    """What any map of shares makes of values that are the same for all keys."""
    N, S = SIZES
    a = torch.randn(N, S, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(-1)
    grey, out = 0.5, a @ torch.full((S, 1), 0.5, dtype=torch.float64)
    assert torch.allclose(out, torch.full_like(out, grey))
    return {"grey": f"{grey}", "out": f"{out[0, 0].item():.1f}", "part": f"{grey / S}", "S": f"{S}"}


def recount_tell() -> Mapping[str, str]:
    """How much contrast of the cat two maps keep, and their mean entropies."""
    opening = clips.OPENING
    photo = clips.fit(clips.load(opening.name), opening.grid)
    q, k, v = clips.descriptors(photo, opening.grid, opening.temperature)
    rgb = pictures.colours(photo, opening.grid)
    out = {"most": f"{torch.tensor(len(opening.grid)).log2().item():.2f}"}
    for name, spec in (("soft", "softmax"), ("floor", "relu_floor")):
        a = make(spec, 1, q.shape[-1], opening.grid).map(q, k, v)
        kept = 100 * (a.apply(rgb).std(-2) / rgb.std(-2)).mean().item()
        out |= {"floor": f"{kept:.0f}"} if name == "floor" else {}
        out[name + "_bits"] = f"{concentration.entropy(a.dense()).mean().item():.2f}"
    return out


TABLE = Question(
    "A map of {N} queries and {S} keys, its rows shares. What do all its weights together sum to?",
    (Choice("{all}: one for every query",
            "Each query has one unit of attention to give, whatever the number of keys. How much each *key* gets in "
            "all is another matter: that is its column's sum.", right=True),
     Choice("{S}: one for every key",
            "Then columns would sum to one. But nothing makes the queries share themselves out fairly over the keys: "
            "some keys are looked at by nearly everybody."),
     Choice("1: they are shares",
            "Shares of a row, not of the table. Every query has a whole unit of its own.")),
    "map", {"N": "6", "S": "4", "all": "6"}, recount_table)

APPLY = Question(
    "All {S} keys have the same value, a grey of {grey}. What comes out of attention, o = A v?",
    (Choice("{out} for every query, whatever the map",
            "A mixture of equal things, with shares that sum to one, is that thing. So an output says nothing about "
            "its map where the values do not differ.", right=True),
     Choice("{part}: each key brings a part in {S}",
            "Each key brings its share, and the shares of a row sum to one. You have counted one key."),
     Choice("It depends on where the queries look",
            "It would, if there were anything different to see. Here every place looks the same.")),
    "apply", {"grey": "0.5", "out": "0.5", "part": "0.125", "S": "4"}, recount_apply)

TELL = Question(
    "The cat painted by softmax kept its contrast, the one painted by linear attention {floor} % of it. Both had the "
    "same queries, keys and values. What is the difference?",
    (Choice("Linear attention is less exact: it computes the same thing with rounding errors.",
            "It computes another thing, and exactly. Its map is another table, whose rows have {floor_bits} bits of "
            "entropy where softmax has {soft_bits}."),
     Choice("Only the map. Its rows are nearly alike, and spread over nearly all patches.",
            "On average its rows have {floor_bits} bits of {most} there could be; softmax has {soft_bits}. All the "
            "rest of the difference follows from the table.", right=True),
     Choice("The values: linear attention forgets colours.",
            "The values never enter the map here, and both outputs mix the very same ones.")),
    "tell", {"floor": "13", "floor_bits": "9.47", "soft_bits": "6.24", "most": "9.61"}, recount_tell)

start = Quiz("Start here", (TABLE, APPLY, TELL))
