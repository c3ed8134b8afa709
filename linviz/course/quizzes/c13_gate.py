"""The numbers in the quiz of chapter 13, feature fixation I: the gate, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import clips, make, read
from ...concentration import entropy
from ...maps import Features, KernelMap, Normaliser
from ...spectra import numerical_rank

N, M = 784, 16


def _features() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """phi(q), phi(k), and ratios for both: (N, M) each."""
    g = torch.Generator().manual_seed(0)
    phi = torch.randn(2, N, M, generator=g, dtype=torch.float64).relu() + M**-0.5
    r = (3 * torch.randn(2, N, M, generator=g, dtype=torch.float64)).sigmoid()
    return phi[0], phi[1], r[0], r[1]


def _gated(q: Tensor, k: Tensor) -> KernelMap:
    return KernelMap(Features(q, k), Normaliser("add", 0.0))


def recount_cancel() -> Mapping[str, str]:
    """By how many bits the entropy changes if the query ratios of every token get a factor of their own."""
    p, k, r_q, r_k = _features()
    factor = torch.linspace(0.1, 0.9, N, dtype=torch.float64)[:, None]
    before, after = (entropy(_gated(p * r, k * r_k).dense()) for r in (r_q, factor * r_q))
    return {"low": f"{factor.min().item():.1f}", "high": f"{factor.max().item():.1f}",
            "change": f"{(after - before).abs().max().item():.2f}"}


def recount_cost() -> Mapping[str, str]:
    """How many numbers the bracket, the gated features and the table hold."""
    p, k, r_q, r_k = _features()
    bracket = (k * r_k).mT @ torch.ones(N, M, dtype=p.dtype)
    return {"N": f"{N}", "M": f"{M}", "bracket": f"{bracket.numel():,}", "features": f"{(p * r_q).numel():,}",
            "table": f"{(p @ k.mT).numel():,}"}


def recount_rank() -> Mapping[str, str]:
    """The numerical rank of a gated map."""
    p, k, r_q, r_k = _features()
    a = _gated(p * r_q, k * r_k)
    rank = int(numerical_rank(a.singular_values(), a.tolerance))
    return {"N": f"{N}", "M": f"{M}", "twice": f"{2 * M}", "rank": f"{rank}"}


def recount_judge() -> Mapping[str, str]:
    """The mean entropy of the opening photograph's map, with the floor and without."""
    opening = clips.OPENING
    q, k, v = clips.descriptors(clips.load(opening.name), opening.grid, opening.temperature)
    bits = [read(make(spec, 1, q.shape[-1], opening.grid), q, k, v).summary(spectrum=False)["entropy"]
            for spec in ("relu_floor", "relu")]
    return {"floor": f"{bits[0]:.2f}", "relu": f"{bits[1]:.2f}"}
