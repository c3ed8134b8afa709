"""The numbers in the quiz of chapter 12, rank, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.linalg import matrix_rank

from ... import Grid, make
from ...concentration import entropy
from ...maps import Depthwise
from ...spectra import numerical_rank
from ..checks.e12_2_mhla_bound import right as mhla_bound

N, D, BLOCKS = 784, 16, 196


def _random(seed: int, *sizes: int) -> torch.Tensor:
    return torch.randn(*sizes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def recount_knobs() -> Mapping[str, str]:
    """Rank and entropy of the identity, and of softmax with tiny scores."""
    near = (1e-3 * _random(0, N, N)).softmax(-1)
    one = torch.eye(N, dtype=torch.float64)
    assert matrix_rank(near) == matrix_rank(one) == N
    flat, sharp = (entropy(a).mean().item() for a in (near, one))
    return {"rank": f"{matrix_rank(one)}", "flat": f"{flat:.1f}", "sharp": f"{sharp:.1f}"}


def recount_branch() -> Mapping[str, str]:
    """The rank of a depthwise convolution alone, with a random kernel."""
    branch = Depthwise(_random(0, 1, 1, 5, 5), Grid(1, 14, 14), 1)
    return {"N": f"{matrix_rank(branch.channel(0).dense()[0, 0])}"}


def recount_bound() -> Mapping[str, str]:
    """The bound for many small blocks."""
    sizes = torch.full((BLOCKS,), N // BLOCKS)
    (bound,) = mhla_bound(sizes, D, torch.eye(BLOCKS, dtype=torch.float64)[None]).tolist()
    return {"D": f"{D}", "N": f"{N}", "M": f"{BLOCKS}", "small": f"{N // BLOCKS}", "right": f"{bound}",
            "wrong": f"{BLOCKS * D:,}"}


def recount_signs() -> Mapping[str, str]:
    """Bounds and ranks of four maps: two with as many features as channels, two with twice as many."""
    grid, found = Grid(1, 14, 14), {}
    q = _random(0, 3, 1, 1, len(grid), D)
    for name in ("mlla", "rala", "nala", "pola"):
        a = make(name, 1, D, grid).double().map(*q)
        one = a.channel(0) if name == "pola" else a
        assert int(numerical_rank(one.singular_values(), one.tolerance)) == one.rank_bound
        found[name] = one.rank_bound
    assert found["mlla"] == found["rala"] == D and found["nala"] == found["pola"]
    return {"D": f"{D}", "N": f"{len(grid)}", "twice": f"{found['nala']}"}


def recount_scores() -> Mapping[str, str]:
    """The rank of a map of DAPE, and how many scores it needs."""
    grid = Grid(1, 14, 14)
    a = make("dape", 1, D, grid).double().requires_grad_(False).map(*_random(0, 3, 1, 1, len(grid), D)).dense()[0, 0]
    return {"N": f"{matrix_rank(a)}", "pairs": f"{a.numel():,}"}
