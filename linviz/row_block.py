"""Rows of a map, of which several measures are asked: they are normalised, sorted and their entropy taken once."""
from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .shapes import Rows

DEAD_ROW_SUM = 0.5  # a row of a stochastic map with a smaller sum has lost more than half of its weight to the eps


class RowBlock:
    """Rows (..., n, S) of which several measures are asked: they are normalised once, and sorted once."""

    def __init__(self, rows: Tensor) -> None:
        self.rows, self.shape, self.dtype = rows, rows.shape, rows.dtype

    @cached_property
    def shares(self) -> Tensor:
        """The rows divided by their sums."""
        return normalise_rows(self.rows)

    @cached_property
    def ascending(self) -> Tensor:
        """The shares of every row, the smallest first."""
        return sort_rows(self.shares)

    @cached_property
    def bits(self) -> Tensor:
        """The entropy of every row."""
        return torch.special.entr(self.shares).sum(-1) / math.log(2)


def row_block(rows: Rows | RowBlock) -> RowBlock:
    """Rows as a block; a block as it is."""
    return rows if isinstance(rows, RowBlock) else RowBlock(rows)


def sort_rows(x: Tensor) -> Tensor:
    """The last axis in ascending order: by numpy on a CPU, which sorts float32 several times faster than torch."""
    if x.device.type != "cpu" or x.requires_grad or x.dtype not in (torch.float32, torch.float64):
        return x.sort(-1).values
    return torch.from_numpy(np.sort(x.numpy(), -1))


def normalise_rows(rows: Rows) -> Rows:
    """Divide rows by their sums; ValueError where a row cannot be a probability distribution.

    >>> normalise_rows(torch.tensor([[1.0, 3.0]]))
    tensor([[0.2500, 0.7500]])
    """
    if rows.shape[-1] == 0 or not torch.isfinite(rows).all():
        raise ValueError(f"rows must be finite and have at least one key; got shape {tuple(rows.shape)}")
    if bool((rows < 0).any()):
        raise ValueError(f"a weight is negative ({rows.min().item():.3g}): entropy and the other measures of "
                         "concentration are not defined for a signed map")
    sums = rows.sum(-1, keepdim=True)
    if bool((sums <= 0).any()):
        raise ValueError(f"{int((sums <= 0).sum())} of {sums.numel()} rows are dead (all weights zero): leave "
                         "them out, because an empty row is not a concentrated one")
    return rows / sums
