"""The numbers in the quiz of chapter 3, a map is a matrix, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, clips, make
from ...spectra import cumulative_share, effective_rank, numerical_rank, participation_ratio, stable_rank
from ..scenes.ch03 import Pieces, quiet_map

KEPT, N, D, FIRST = 64, 512, 64, 128


def recount_copy() -> Mapping[str, str]:
    """Signs and row sums of the best copy of the opening photograph's softmax map."""
    opening = clips.OPENING
    q, k, v = clips.descriptors(clips.load(opening.name), opening.grid, opening.temperature)
    copy = Pieces.of(make("softmax", 1, q.shape[-1], opening.grid).map(q, k, v)).copy(KEPT).dense()
    sums = copy.sum(-1)
    return {"kept": f"{KEPT}", "all": f"{len(opening.grid)}", "negative": f"{100 * (copy < 0).double().mean():.0f}",
            "low": f"{sums.min():.2f}", "high": f"{sums.max():.2f}"}


def recount_cast() -> Mapping[str, str]:
    """The rank of one map with weak channels, counted in three ways."""
    a = quiet_map()
    table = a.dense()[0, 0].float()
    single, cast = (int(torch.linalg.matrix_rank(x)) for x in (table, table.double()))
    return {"N": f"{a.shape[0]}", "M": f"{a.rank_bound}", "single": f"{single}", "cast": f"{cast // 100}00",
            "factors": f"{int(numerical_rank(a.singular_values(), a.tolerance))}"}


def recount_claim() -> Mapping[str, str]:
    """The softmax map of random queries and keys: what its first singular values hold, and its rank."""
    q, k = torch.randn(2, 1, 1, N, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    a = make("softmax", 1, D, Grid(X=N)).map(q, k, k)
    s = a.singular_values()
    of, energy = (cumulative_share(s, power)[0, 0, FIRST - 1] for power in (1, 2))
    return {"N": f"{N}", "first": f"{FIRST}", "sum": f"{100 * of:.0f}", "energy": f"{100 * energy:.0f}",
            "rank": f"{int(numerical_rank(s, a.tolerance))}"}


def recount_choose() -> Mapping[str, str]:
    """Four counts of one spectrum: one strong direction and fifteen weak ones."""
    s = torch.tensor([1.0, *[0.1] * 15], dtype=torch.float64)
    return {"weak": "0.1", "stable": f"{stable_rank(s):.2f}", "participation": f"{participation_ratio(s):.2f}",
            "effective": f"{effective_rank(s):.2f}", "numerical": f"{int(numerical_rank(s, 1e-6))}"}
