"""The numbers in the quiz of chapter 12, rank, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.linalg import matrix_rank

from ... import Grid
from ...concentration import entropy
from ...maps import Depthwise
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
