"""Inputs for checks: small, float64, from a seed, and with sizes that all differ.

Because no two sizes are equal, a wrong axis gives a wrong shape or value. No function saturates.
"""
from __future__ import annotations

import torch
from torch import Tensor

N, S, M, E = 7, 6, 5, 3  # queries, keys, features, width of v


def normal(seed: int, *sizes: int) -> Tensor:
    """Standard normal numbers.

    >>> normal(0, 2, 3).shape
    torch.Size([2, 3])
    """
    return torch.randn(*sizes, dtype=torch.float64, generator=torch.Generator().manual_seed(1000 + seed))


def mixed(seed: int, queries: int = N, keys: int = S) -> tuple[Tensor, ...]:
    """Inputs: queries, keys, values."""
    return normal(seed, queries, M), normal(seed + 10, keys, M), normal(seed + 20, keys, E)


def phi(seed: int, *sizes: int) -> Tensor:
    """Features with their floor, all positive.

    >>> bool((phi(0, 2, 4) >= 0.5).all())
    True
    """
    return normal(seed, *sizes).relu() + sizes[-1] ** -0.5


def ratio(seed: int, *sizes: int) -> Tensor:
    """Numbers between 0 and 1.

    >>> 0 < ratio(0, 1).item() < 1
    True
    """
    return normal(seed, *sizes).sigmoid()
