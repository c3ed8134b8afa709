"""The numbers in the quiz of chapter 4, the kernel trick, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import Grid, make
from ...concentration import effective_tokens
from ...cost import flops
from ..scenes.ch04 import climb_features

WINDOW, CLIP = (7, 64), (8, 14, 18)  # patches a side and channels; frames, patches a side and features


def recount_count() -> Mapping[str, str]:
    """Operations of both orders in a window of few patches and many channels."""
    side, width = WINDOW
    x = torch.zeros(side**2, width)
    pairs, keys = (flops(order, x, x, x) for order in (lambda q, k, v: (q @ k.mT) @ v, lambda q, k, v: q @ (k.mT @ v)))
    return {"side": f"{side}", "N": f"{side**2}", "D": f"{width}", "pairs": f"{pairs:,}", "keys": f"{keys:,}",
            "times": f"{keys / pairs:.2f}"}


def _random(seed: int, N: int, D: int) -> Tensor:
    return torch.randn(1, 1, N, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def recount_equivalent() -> Mapping[str, str]:
    """Differences of two versions of efficient attention from two attentions with a table, in percent."""
    q, k, v = (_random(n, 196, 16) for n in range(3))
    grid = Grid(1, 14, 14)

    def off(one: Tensor, other: Tensor) -> str:
        return f"{100 * ((one - other).abs().max() / other.abs().max()).item():.0f} %"

    scaling, softmaxes = (make("efficient", 1, 16, grid, normalise=x)(q, k, v) for x in ("scale", "softmax"))
    block = make("nonlocal", 1, 16, grid, similarity="dot")(q, k, v)
    soft = make("softmax", 1, 16, grid)(q, k, v)
    return {"scaling": off(scaling, block), "block": off(softmaxes, block), "soft": off(softmaxes, soft)}


def recount_sharp() -> Mapping[str, str]:
    """Effective tokens under relu and under softmax, for plain inputs and for inputs times a hundred."""
    x, grid = _random(0, 196, 16), Grid(1, 14, 14)
    out = {}
    for name in ("relu", "softmax"):
        for word, factor in (("small", 1.0), ("large", 100.0)):
            a = make(name, 1, 16, grid).map(factor * x, factor * x, x).dense()
            out[f"{name}_{word}"] = f"{effective_tokens(a).mean().item():.0f}"
    return {**out, "N": "196", "times": "100"}


def recount_ceiling() -> Mapping[str, str]:
    """The ceiling M / N for a clip, and the result of gradient ascent with free features for fewer tokens."""
    T, side, M = CLIP
    N = T * side**2
    return {"N": f"{N:,}", "M": f"{M}", "ceiling": f"{100 * M / N:.1f} %", "frames": f"{100 / T:.1f} %",
            "root": f"{100 * (M / N) ** 0.5:.0f} %", "small": "40", "few": "4",
            "found": f"{100 * climb_features(40, 4)[-1]:.1f} %"}
