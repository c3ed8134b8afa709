"""The numbers in the quiz of chapter 9, nearness, counted again."""
from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from ... import Grid, make
from ...concentration import entropy
from ...mechanisms import REGISTRY
from ..scenes.ch09 import gaussian_rows, window_reach

GRID = Grid(Y=14, X=14)


def recount_shift() -> Mapping[str, str]:
    """How many patches beyond a border reach a patch through six layers of windows, and through which layer it is."""
    inside, outside = GRID.number(0, 6, 6), GRID.number(0, 6, 7)
    cut = window_reach(["swin@window:7"], GRID, inside, 6)[-1]
    turns = window_reach(["swin@window:7", "swin@shifted:7"], GRID, inside, 1)[-1]
    beyond = GRID.fold(cut[:, None].float())[0, :, 7:].sum()
    assert not cut[outside] and turns[outside]
    return {"side": "14", "W": "7", "many": "6", "never": f"{beyond:.0f}", "two": "2"}


def recount_order() -> Mapping[str, str]:
    """Distances in reading order, and that the ruler follows them."""
    first, above, last = (GRID.number(0, *place) for place in ((6, 0), (5, 0), (5, 13)))
    x = torch.ones(1, 1, len(GRID), 1)
    row = make("cosformer", 1, 1, GRID).map(x, x, x).rows(torch.tensor([first]))[0, 0, 0]
    assert row[last] > row[above]
    return {"X": f"{GRID.X}", "above": f"{first - above}", "last": f"{first - last}"}


def recount_zero() -> Mapping[str, str]:
    """The weight of far keys in AFT-local with a table of zeros."""
    m = make("aft_local", 1, 1, GRID, window=16).requires_grad_(False)
    for table in m.parameters():
        table.zero_()
    x = torch.zeros(1, 1, len(GRID), 1)
    token = len(GRID) // 2
    row = m.map(x, x, x).channel(0).rows(torch.tensor([token]))[0, 0, 0]
    far = row[(torch.arange(len(GRID)) - token).abs() > 15].sum().item()
    return {"s": "15", "N": f"{len(GRID)}", "far": f"{100 * far:.0f}", "near": f"{100 - 100 * far:.0f}"}


def recount_logits() -> Mapping[str, str]:
    """Largest over smallest weight of a Gaussian as logits, and its entropy."""
    row = gaussian_rows(0.02, GRID, GRID.number(0, 6, 6))["logits"]
    return {"sigma": "0.02", "N": f"{len(GRID)}", "most": f"{row.max() / row.min():.2f}",
            "bits": f"{entropy(row):.1f}", "all": f"{math.log2(len(GRID)):.1f}"}


def recount_axes() -> Mapping[str, str]:
    """What the bracket of vicinity attention keeps at the end of a row and in the opposite corner, in percent."""
    x = torch.ones(1, 1, len(GRID), 1)
    row = make("vicinity", 1, 1, GRID).map(x, x, x).rows([0])[0, 0, 0]
    kept = 100 * row / row[0]
    return {"X": f"{GRID.X}", "row": f"{kept[GRID.X - 1]:.0f}", "corner": f"{kept[-1]:.0f}"}


def recount_size() -> Mapping[str, str]:
    """How many numbers the position tables of three kinds of AFT have."""
    assert REGISTRY["aft_full"].fixed and REGISTRY["aft_local"].fixed and not REGISTRY["aft_conv"].fixed
    full, local, conv = (make(name, 1, 4, GRID, **options).state_dict() for name, options in (
        ("aft_full", {}), ("aft_local", {"window": 16}), ("aft_conv", {"side": 7})))
    tokens, band = local["mechanism.band"].shape
    return {"full": f"{full['mechanism.table'].numel():,}", "N": f"{tokens}", "band": f"{band}",
            "conv": f"{conv['mechanism.kernel'].numel()}"}
