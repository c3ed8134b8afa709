"""Rows of a map, of which several measures are asked: they are normalised, sorted and their entropy taken once.

The time goes into passes over the weights. In nanoseconds per weight on one core: a softmax row 3, its sort 5, its
logarithm 1.2, everything else below 0.5. Memory that is new to the process costs more than all of these, 2 to 4 per
weight and tensor, which is why `ROW_WEIGHTS` is small: the blocks stay in the cache and reuse the memory they had.
"""
from __future__ import annotations

import math
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from .shapes import Rows

ROW_WEIGHTS = 1 << 18  # weights of a block of rows that is measured: a megabyte in float32
RUN = 64  # sorted weights that are added up before single ones are looked at
DEAD_ROW_SUM = 0.5  # a row of a stochastic map with a smaller sum has lost more than half of its weight to the eps


class RowBlock:
    """Rows (..., n, S) of which several measures are asked: they are normalised once, and sorted once.

    sort: whether a measure will ask for the order of all weights, so that `top_sum` takes it from there.
    """

    def __init__(self, rows: Tensor, sort: bool = True) -> None:
        self.rows, self.shape, self.dtype, self.sort = rows, rows.shape, rows.dtype, sort

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
        """The entropy of every row. (torch.special.entr takes three times as long.)"""
        p = self.shares
        least = torch.finfo(p.dtype).tiny if p.is_floating_point() else 1  # log 0 times 0 is 0 here, as it should be
        logs = p.clamp_min(least)
        terms = logs.log().mul(p) if p.requires_grad else logs.log_().mul_(p)
        return (0 - terms.sum(-1)) / math.log(2)

    def top_sum(self, k: int) -> Tensor:
        """The sum of the k largest shares of every row."""
        k = min(k, self.shape[-1])
        return (self.ascending[..., -k:] if self.sort else largest_weights(self.shares, k)).sum(-1)


    def keys_with(self, share: float) -> Tensor:
        """The smallest number of keys that together hold `share` of every row, at most S.

        Runs of sorted weights are added up first, and single weights only within the run that reaches the share.
        """
        runs = pad(self.ascending, (-self.shape[-1] % RUN, 0)).unflatten(-1, (-1, RUN))  # zeros before the smallest
        held = runs.sum(-1, dtype=torch.float64).flip(-1).cumsum(-1)  # by the largest run, the largest two, ...
        full = (held < share).sum(-1, keepdim=True).clamp_max(held.shape[-1] - 1)
        before = torch.where(full > 0, held.gather(-1, (full - 1).clamp_min(0)), 0.0)
        at = (held.shape[-1] - 1 - full).unsqueeze(-1).expand(*full.shape[:-1], 1, RUN)
        more = before + runs.gather(-2, at).squeeze(-2).flip(-1).double().cumsum(-1)
        return (RUN * full.squeeze(-1) + (more < share).sum(-1) + 1).clamp_max(self.shape[-1])


def row_block(rows: Rows | RowBlock) -> RowBlock:
    """Rows as a block; a block as it is."""
    return rows if isinstance(rows, RowBlock) else RowBlock(rows)


def sort_rows(x: Tensor) -> Tensor:
    """The last axis in ascending order: by numpy on a CPU, which sorts float32 several times faster than torch."""
    if _is_sorted_by_torch(x):
        return x.sort(-1).values
    return torch.from_numpy(np.sort(x.numpy(), -1))


def largest_weights(x: Tensor, k: int) -> Tensor:
    """The k largest numbers of the last axis, in any order.

    >>> largest_weights(torch.tensor([0.2, 0.5, 0.3]), 2).sum()
    tensor(0.8000)
    """
    if _is_sorted_by_torch(x):
        return x.topk(k, sorted=False).values
    return torch.from_numpy(np.partition(x.numpy(), -k, -1)[..., -k:])


def _is_sorted_by_torch(x: Tensor) -> bool:
    return x.device.type != "cpu" or x.requires_grad or x.dtype not in (torch.float32, torch.float64)


def normalise_rows(rows: Rows) -> Rows:
    """Divide rows by their sums; ValueError where a row cannot be a probability distribution.

    >>> normalise_rows(torch.tensor([[1.0, 3.0]]))
    tensor([[0.2500, 0.7500]])
    """
    sums = rows.sum(-1, keepdim=True)
    good = rows.numel() > 0 and bool(rows.amin() >= 0) and bool((sums > 0).all()) and bool(sums.isfinite().all())
    if not good:
        _check_weights(rows, sums)
    return rows / sums


def _check_weights(rows: Tensor, sums: Tensor) -> None:
    """Say what is wrong with rows that cannot be divided by their sums, if something is."""
    if rows.shape[-1] == 0 or not torch.isfinite(rows).all():
        raise ValueError(f"rows must be finite and have at least one key; got shape {tuple(rows.shape)}")
    if bool((rows < 0).any()):
        raise ValueError(f"a weight is negative ({rows.min().item():.3g}): entropy and the other measures of "
                         "concentration are not defined for a signed map")
    if bool((sums <= 0).any()):
        raise ValueError(f"{int((sums <= 0).sum())} of {sums.numel()} rows are dead (all weights zero): leave "
                         "them out, because an empty row is not a concentrated one")
