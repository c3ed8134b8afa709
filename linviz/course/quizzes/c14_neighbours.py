"""The numbers in the quiz of chapter 14, feature fixation II: the neighbours, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, make
from ..scenes.ch14 import gate_receptive_field, scheme_reach

T, SIDE, D = 8, 14, 18
GRID = Grid(T, SIDE, SIDE)
MIDDLE = GRID.number(3, 6, 6)


def recount_moved() -> Mapping[str, str]:
    """How much weights and outputs change if all of k and v move by one column."""
    q, k, v = torch.randn(3, 1, 1, len(GRID), D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    m = make("softmax", 1, D, GRID)

    def turned(x: torch.Tensor) -> torch.Tensor:
        return GRID.unfold(GRID.fold(x).roll(-1, -2))
    weight = (m.map(q, turned(k), v).dense() - m.map(q, k, v).dense()).abs().sum(-1).mean() / 2
    output = (m(q, turned(k), turned(v)) - m(q, k, v)).abs().max()
    return {"weight": f"{100 * weight:.0f}"[0] + "0", "output": f"{output:.2f}"}


def recount_sees() -> Mapping[str, str]:
    """How many tokens reach the ratios of a token in the middle of a clip."""
    x = torch.rand(1, 1, len(GRID), D)
    count = [int(gate_receptive_field(make(f"relu_floor+gate+shift:{axis}", 1, D, GRID), x, x, x, MIDDLE).sum())
             for axis in ("space", "time")]
    return {"space": f"{count[0]}", "time": f"{count[1]}", "frame": f"{SIDE * SIDE}"}


def recount_reach() -> Mapping[str, str]:
    """How many frames reach a query after three layers of attention in space with a shift in time."""
    _, heard = scheme_reach("", ["softmax+shift:time@space"], GRID, MIDDLE)
    frames = [n // (SIDE * SIDE) for n in heard]
    return {"T": f"{T}", "one": f"{frames[0]}", "two": f"{frames[1]}", "three": f"{frames[2]}"}
