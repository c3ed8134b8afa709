"""The numerical rank of maps whose rank is known, from factors in float32 (goal G11): counts, not times."""
from __future__ import annotations

import torch
from torch import Tensor

from linviz import spectra
from linviz.maps import Factored

from .bench_inputs import elu_features
from .bench_races import Effort
from .bench_results import Cell, Result, Table

TOKENS, WIDTH = 2048, 64
COLUMNS = ["map", "rank", "linviz, float32 factors", "torch matrix_rank, float32 table",
           "torch matrix_rank, float64 table"]


def bench_rank(effort: Effort) -> Result:
    """`Factored` against torch.linalg.matrix_rank on the table, in the precision in which factors are stored."""
    result = Result("rank", "The numerical rank of maps whose rank is known")
    rows: list[list[Cell]] = []
    for name, (rank, left, right) in known_ranks(effort.pick(TOKENS, TOKENS // 2, 128)).items():
        left, right = left.float(), right.float()
        a = Factored(left, right)
        found = int(spectra.numerical_rank(a.singular_values(), a.tolerance))
        table = left @ right.mT
        exact = int(torch.linalg.matrix_rank(left.double() @ right.double().mT)) if rank is not None else None
        rows.append([name, rank, found, int(torch.linalg.matrix_rank(table)), exact])
        if rank is not None:
            result.goal("G11", f"rank of {name}: {found} counted, off by", float(abs(found - rank)), 0, least=False,
                        unit="")
    result.tables.append(Table(f"{TOKENS:,} tokens, {WIDTH} features", COLUMNS, rows))
    result.notes.append("The last map has no rank: its features decay to 1e-10, and the count depends on where the "
                        "rounding of float32 ends.")
    return result


def known_ranks(tokens: int) -> dict[str, tuple[int | None, Tensor, Tensor]]:
    """Maps with their rank and their normalised factors (tokens, features), float64."""
    draw = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, tokens, WIDTH, generator=draw, dtype=torch.float64)
    u, w = torch.rand(2, tokens, WIDTH, generator=draw, dtype=torch.float64)
    mix = torch.rand(20, WIDTH, generator=draw, dtype=torch.float64)
    half = WIDTH // 2
    living = torch.arange(WIDTH) >= 10
    decay = torch.logspace(0, -10, WIDTH, dtype=torch.float64)
    factors = {"a product of rank 20": (20, u[:, :20] @ mix, w[:, :20] @ mix),
               "32 features, each twice": (half, u[:, :half].repeat(1, 2), w[:, :half].repeat(1, 2)),
               "elu + 1": (WIDTH, elu_features(x), elu_features(y)),
               "relu with 10 dead features": (WIDTH - 10, x.relu() * living, y.relu()),
               "features that decay to 1e-10": (None, elu_features(x) * decay, elu_features(y))}
    return {name: (rank, left / (left @ right.sum(0)[:, None]), right) for name, (rank, left, right) in factors.items()}
