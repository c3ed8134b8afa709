"""The numbers in the quiz of chapter 1, attention as soft lookup, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ... import Grid, make
from ...concentration import effective_tokens
from ...spectra import numerical_rank

N, D, S = 128, 8, 256


def _normal(*sizes: int) -> Tensor:
    return torch.randn(*sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def recount_scale() -> Mapping[str, str]:
    """Effective tokens of random rows over 256 keys, of 4 and of 256 channels, without the root."""
    found = []
    for width in (4, 256):
        q, k = _normal(2, S, width)
        found.append(effective_tokens((q @ k.mT).softmax(-1)).mean().item())
    return {"narrow": "4", "wide": "256", "S": f"{S}", "before": f"{found[0]:.0f}", "after": f"{found[1]:.1f}"}


def recount_heads() -> Mapping[str, str]:
    """One head's output and the difference of two heads, on a flat picture whose values are all 5."""
    m = make("softmax", 2, D, Grid(X=N))
    q, k, _ = _normal(3, 1, 2, N, D)
    o = m(q, k, torch.full((1, 2, N, D), 5.0, dtype=torch.float64))
    return {"flat": "5", "one": f"{o[0, 0, 0, 0].item():.0f}",
            "two": f"{abs(round((o[:, 0] - o[:, 1]).abs().max().item(), 6)):.0f}"}


def recount_rank() -> Mapping[str, str]:
    """Ranks of random scores and of their softmax."""
    q, k, v = _normal(3, 1, 1, N, D)
    a = make("softmax", 1, D, Grid(X=N)).map(q, k, v)
    scores = torch.linalg.svdvals(q @ k.mT)
    ranks = [int(numerical_rank(s, a.tolerance)) for s in (scores, a.singular_values())]
    return {"N": f"{N}", "D": f"{D}", "scores": f"{ranks[0]}", "map": f"{ranks[1]}", "more": f"{D + 1}"}


def recount_order() -> Mapping[str, str]:
    """How much the outputs of shuffled tokens differ from the shuffled outputs, and from the outputs in place."""
    m, order = make("softmax", 1, D, Grid(X=N)), torch.randperm(N, generator=torch.Generator().manual_seed(1))
    q, k, v = _normal(3, 1, 1, N, D)
    before, after = m(q, k, v), m(*(x[..., order, :] for x in (q, k, v)))
    return {"N": f"{N}", "same": f"{(after - before[..., order, :]).abs().max().item():.2f}"}
