"""The parts of a fitted gate: how much of softmax's concentration each recovers on the q, k, v of the fit."""
from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor

from ..concentration import entropy
from ..maps import Map
from ..mechanisms import Attention, make
from ..row_block import DEAD_ROW_SUM
from .gate_fits import part_map

WAYS = {"none": "no gate, or a constant one", "whole": "the gate as it is",
        "keys": "on keys alone", "queries": "on queries alone",
        "tokens": "averaged over channels: which tokens are seen",
        "channels": "averaged over tokens: which features count",
        "no floor": "no gate, and no floor"}
LEAST = 0.1  # bits by which softmax must be sharper than the kernel for a fraction of the difference to be meaningful


def compare_parts(m: Attention, q: Tensor, k: Tensor, v: Tensor, goal: Map) -> dict[str, dict[str, float | None]]:
    """For each of WAYS, the mean row entropy in bits, and the fraction of the difference to the goal that it recovers.

    recovered: (H of the kernel without a gate - H) / (H of the kernel without a gate - H of the goal), below 0 if the
    rows are flatter than without a gate; None if the kernel is as sharp as the goal. "no floor" is there only for a
    kernel with a floor. ValueError if the map is more than gated features (a scope, a convolution, a causal order).

    >>> from linviz import Grid
    >>> x = torch.randn(1, 1, 9, 8)
    >>> soft, gated = (make(spec, 1, 8, Grid(Y=3, X=3)) for spec in ("softmax", "relu_floor+gate"))
    >>> found = compare_parts(gated, x, x, x, soft.map(x, x, x))
    >>> found["none"]["recovered"], list(found)[-1]
    (0.0, 'no floor')
    """
    if m.gate is None:
        raise ValueError(f"{m.spec} has no gate to take apart; add +gate")
    maps = {name: part_map(m, q, k, v, name) for name in WAYS if name not in ("none", "no floor")}
    held = deepcopy(m)
    assert held.gate is not None
    held.gate.hold()
    maps |= {"none": part_map(held, q, k, v)} | floorless_map(m, q, k, v)
    bits = {name: mean_row_entropy(maps[name]) for name in WAYS if name in maps}
    between = bits["none"] - mean_row_entropy(goal)
    return {name: {"entropy": h, "recovered": (bits["none"] - h) / between if between > LEAST else None}
            for name, h in bits.items()}


def floorless_map(m: Attention, q: Tensor, k: Tensor, v: Tensor) -> dict[str, Map]:
    """The map without gate and floor, by its name in WAYS; empty for a kernel without a floor."""
    if m.parsed.name != "relu_floor":
        return {}
    spec = str(replace(m.parsed, name="relu", gate=None, shared=False))
    with torch.no_grad():
        return {"no floor": make(spec, m.heads, m.mechanism.width, m.grid).map(q, k, v)}


@torch.no_grad()
def mean_row_entropy(a: Map) -> float:
    """Mean entropy of a map's rows in bits; rows without any weight are left out."""
    found = []
    for _, rows in a.walk():
        alive = rows.sum(-1) >= DEAD_ROW_SUM
        found.append(entropy(rows.where(alive[..., None], 1.0))[alive])
    return torch.cat(found).double().mean().item()
