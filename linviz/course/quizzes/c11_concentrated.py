"""The numbers in the quiz of chapter 11, concentration, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import clips, concentration, make, read
from ...spectra import numerical_rank
from ..scenes import ch11

N, HELD = 1000, 0.5


def recount_count() -> Mapping[str, str]:
    """The number of patches of a row whose first patch holds half, counted in three ways."""
    row = ch11.spike_row(HELD, N)
    found = {"participation": concentration.participation(row), "effective": concentration.effective_tokens(row),
             "support": concentration.support(row, 0.9)}
    return {"N": f"{N}", "others": f"{N - 1}", **{name: f"{x.item():.0f}" for name, x in found.items()}}


def recount_judge() -> Mapping[str, str]:
    """Mean bits of the cup of coffee's maps: floor, no floor, no floor and a cosine."""
    opening = clips.OPENINGS["coffee"]
    q, k, v = clips.descriptors(clips.load("coffee"), opening.grid, opening.temperature)
    bits = {spec: read(make(spec, 1, q.shape[-1], opening.grid), q, k, v).summary(spectrum=False)["entropy"]
            for spec in ("relu_floor", "relu", "cosformer")}
    floor, relu, cosformer = (round(x, 3) for x in bits.values())  # as printed, so that the differences fit
    found = {**bits, "gain": floor - cosformer, "floorless": floor - relu, "cosine": relu - cosformer}
    return {name: f"{x:.3f}" for name, x in found.items()}


def recount_average() -> Mapping[str, str]:
    """Two maps over 256 keys with 4 bits on average: equal rows, and half of them sharp, half flat."""
    keys = 256
    even, sharp, flat = (torch.zeros(4, keys, dtype=torch.float64) for _ in range(3))
    even[:, :16], sharp[:, 0], flat[:] = 1 / 16, 1.0, 1 / keys
    mixed = torch.cat((sharp[:2], flat[:2]))
    bits = [concentration.entropy(a).mean().item() for a in (even, mixed)]
    patches = [concentration.effective_tokens(a).mean().item() for a in (even, mixed)]
    assert bits[0] == bits[1]
    return {"keys": f"{keys}", "bits": f"{bits[0]:.0f}", "most": f"{concentration.entropy(flat)[0].item():.0f}",
            "even": f"{patches[0]:.0f}", "mixed": f"{patches[1]:.1f}"}


def recount_rank() -> Mapping[str, str]:
    """The numerical rank of focused features at two powers, 300 tokens of width 12."""
    tokens, width, low, high = 300, 12, 3, 9
    x = torch.randn(2, tokens, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).relu() + 1e-6
    ranks, bits = [], []
    for p in (low, high):
        a = x[0] ** p @ (x[1] ** p).mT
        a = a / a.sum(-1, keepdim=True)
        ranks.append(int(numerical_rank(torch.linalg.svdvals(a), tokens * torch.finfo(a.dtype).eps)))
        bits.append(concentration.entropy(a).mean().item())
    return {"tokens": f"{tokens}", "width": f"{width}", "low": f"{low}", "high": f"{high}", "rank": f"{ranks[0]}",
            "after": f"{ranks[1]}", "bits": f"{bits[0]:.1f}", "fewer": f"{bits[1]:.1f}"}
