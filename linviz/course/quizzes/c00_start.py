"""The quiz of chapter 0, start here. Every number in it is counted again by a test."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import clips, concentration, make
from .. import pictures
from ..quiz import Choice, Question, Quiz

SIZES = 6, 4  # queries, keys


def recount_table() -> Mapping[str, str]:
    """The sum of a table whose rows sum to one."""
    N, S = SIZES
    a = torch.randn(N, S, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(-1)
    return {"N": f"{N}", "S": f"{S}", "all": f"{a.sum().item():.0f}"}


def recount_apply() -> Mapping[str, str]:
    """The output of a map for values that are the same for all keys."""
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
    rgb = pictures.patch_colours(photo, opening.grid)
    out = {"most": f"{torch.tensor(len(opening.grid)).log2().item():.2f}"}
    for name, spec in (("soft", "softmax"), ("floor", "relu_floor")):
        a = make(spec, 1, q.shape[-1], opening.grid).map(q, k, v)
        kept = 100 * (a.apply(rgb).std(-2) / rgb.std(-2)).mean().item()
        out |= {"floor": f"{kept:.0f}"} if name == "floor" else {}
        out[name + "_bits"] = f"{concentration.entropy(a.dense()).mean().item():.2f}"
    return out


TABLE = Question(
    "A map has {N} queries and {S} keys, and each row sums to one. What is the sum of all its weights?",
    (Choice("{all}: one for every query",
            "Each query has one unit of attention to give, for any number of keys. The total that each *key* gets is "
            "its column's sum, which may differ.", right=True),
     Choice("{S}: one for every key",
            "Then columns would sum to one. But nothing forces the queries to divide their attention evenly among "
            "the keys: some keys get attention from nearly all queries."),
     Choice("1: they are a probability distribution",
            "Each row is one, but not the whole table. Every query has one unit of its own.")),
    "map", {"N": "6", "S": "4", "all": "6"}, recount_table)

APPLY = Question(
    "All {S} keys have the same value, a grey of {grey}. What comes out of attention, o = A v?",
    (Choice("{out} for every query, whatever the map",
            "If all values are equal, a mean with weights that sum to one is the same value. So where the values do "
            "not differ, an output says nothing about its map.", right=True),
     Choice("{part}: each key contributes 1/{S} of its value",
            "The weights of a row sum to one, and all keys contribute. You have counted only one key."),
     Choice("It depends on where the queries look",
            "It would, if the values differed. Here every key has the same value.")),
    "apply", {"grey": "0.5", "out": "0.5", "part": "0.125", "S": "4"}, recount_apply)

TELL = Question(
    "Painted by softmax, the cat kept its contrast; painted by linear attention, it kept {floor} %. Both had the "
    "same queries, keys and values. What is the difference?",
    (Choice("Linear attention is less exact: it computes the same thing with rounding errors.",
            "It computes something else, and exactly. Its map is another table, whose rows have {floor_bits} bits of "
            "entropy; the rows of softmax have {soft_bits}."),
     Choice("Only the map. Its rows are nearly the same, and spread over nearly all patches.",
            "On average its rows have {floor_bits} of at most {most} bits; softmax has {soft_bits}. The whole "
            "difference between the pictures follows from the map.", right=True),
     Choice("The values: linear attention forgets colours.",
            "The map does not use the values here, and both outputs mix the same values.")),
    "tell", {"floor": "13", "floor_bits": "9.47", "soft_bits": "6.24", "most": "9.61"}, recount_tell)

start = Quiz("Start here", (TABLE, APPLY, TELL))
