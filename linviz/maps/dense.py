"""A map stored as its table of weights: for targets, examples and small N."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .base import Map


class Dense(Map):
    """A = table, (..., N, S). `stochastic`: its rows are probability distributions (this is checked).

    >>> Dense(torch.eye(3)).apply(torch.ones(3, 2)).shape
    torch.Size([3, 2])
    """

    def __init__(self, table: Tensor | np.ndarray, stochastic: bool = True) -> None:
        if isinstance(table, str) or table is None:
            raise ValueError(f"a map needs a finite table (..., N, S) of numbers; got {table!r:.40}")
        table = torch.as_tensor(table)
        if table.ndim < 2 or not torch.isfinite(table).all():
            raise ValueError(f"a map needs a finite table (..., N, S); got shape {tuple(table.shape)}"
                             + ("" if table.ndim < 2 else " with NaN or infinity in it"))
        sums = table.sum(-1)
        if stochastic and not (bool((table >= 0).all()) and torch.allclose(sums, torch.ones_like(sums), atol=1e-4)):
            raise ValueError("the rows of this table are not probability distributions (a weight is negative or a row "
                             "does not sum to 1); pass stochastic=False if this is intended")
        self.table, self.stochastic = table, stochastic
        self.shape = (table.shape[-2], table.shape[-1])
        self.rank_bound = min(self.shape)

    @property
    def like(self) -> Tensor:
        return self.table

    def take_rows(self, i: Tensor) -> Tensor:
        return self.table[..., i, :]

    def apply(self, v: Tensor) -> Tensor:
        return self.table @ v
