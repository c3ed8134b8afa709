"""The numbers in the quiz of chapter 2, what attention costs, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, make
from ...cost import cost_growth, flops, tensor_bytes
from ...models import AttentionLayer

HEADS = 2


def recount_pairs() -> Mapping[str, str]:
    """By which factors the pairs of softmax and of one frame grow when a clip's three sides grow."""
    short, full, cost = Grid(8, 14, 14), Grid(16, 28, 28), "N S D"
    return {"old": "14", "new": "28", "long": "16", "short": "8",
            "right": f"{cost_growth(cost, short, full):.0f}", "tokens": f"{cost_growth('N D', short, full):.0f}",
            "still": f"{cost_growth(cost, short, Grid(8, 28, 28)):.0f}"}


def recount_share() -> Mapping[str, str]:
    """Shares of the pairs in a layer of 784 tokens: with 392, and with 96 channels."""
    found = []
    for channels in (392, 96):
        total = flops(AttentionLayer("softmax", HEADS, channels, Grid(X=784)), torch.zeros(1, 784, channels))
        found.append(100 * 4 * 784**2 * channels / total)
    return {"N": "784", "C": "392", "half": f"{found[0]:.0f}", "narrow": "96", "most": f"{found[1]:.0f}"}


def recount_pool() -> Mapping[str, str]:
    """How many times fewer pairs pooling by 2 gives, and how they grow when the side doubles."""
    work = {}
    for pool in (1, 2):
        for side in (12, 24):
            x = torch.zeros(1, 1, side * side, 8)
            work[pool, side] = flops(make("nonlocal", 1, 8, Grid(1, side, side), pool=pool), x, x, x)
    return {"fewer": f"{work[1, 12] // work[2, 12]}", "grows": f"{work[2, 24] // work[2, 12]}",
            "net": f"{work[2, 24] // work[1, 12]}"}


def recount_judge() -> Mapping[str, str]:
    """Bytes of a softmax map that stores q and k, and of its table, for 4,096 tokens of 32 channels."""
    x = torch.zeros(1, 1, 4096, 32)
    a = make("softmax", 1, 32, Grid(X=4096)).map(x, x, x)
    return {"N": "4,096", "times": f"{4 * 4096**2 // tensor_bytes([x, x.clone()])}", "growth": "4",
            "work": f"{cost_growth('N S D', Grid(X=4096), Grid(X=16384)):.0f}", "rows": f"{a.shape[0]:,}"}
