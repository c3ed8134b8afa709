"""Measures of rows whose weights may be negative, or need not sum to one: functions of rows a (..., S).

Such a row is no probability distribution and has no entropy. These numbers stand in its place. Zeros count for
nothing: in the map of a memory every weight above the diagonal is zero, so a share is one of the triangle. Weights
below a millionth of the row's largest count as zeros, as their signs may come from rounding.
"""
from __future__ import annotations

from .measure import measure
from .shapes import PerRow, Rows

ROUNDING = 1e-6  # of the largest weight of a row
SIGNED_MEASURES = ("negative_share", "negative_sum", "largest_weight")


@measure("signed row", "negative weights", "n_-", "of 1", "0 to 1", "share of the weights that are not zero")
def negative_share(rows: Rows) -> PerRow:
    """The share of negative weights among those that are not zero; 0 for a row of zeros.

    >>> import torch
    >>> negative_share(torch.tensor([0.5, -0.25, 0.0, 0.0]))
    tensor(0.5000)
    """
    least = ROUNDING * rows.abs().amax(-1, keepdim=True)
    return (rows < -least).sum(-1).to(rows) / (rows.abs() > least).sum(-1).clamp_min(1)


@measure("signed row", "sum of the negative weights", "sum a_-", "", "0 and below", "sum of a_j below 0")
def negative_sum(rows: Rows) -> PerRow:
    """The sum of the negative weights: what a row takes off, where an average of values would only add.

    >>> import torch
    >>> negative_sum(torch.tensor([0.5, -0.25, 0.0, -0.5]))
    tensor(-0.7500)
    """
    return rows.clamp_max(0).sum(-1)


@measure("signed row", "largest weight times N", "S max |a|", "times", "0 and up", "1 if all weights are 1 / S")
def largest_weight(rows: Rows) -> PerRow:
    """The largest weight by its size, times the number of keys: 1 if all keys have the equal share.

    >>> import torch
    >>> largest_weight(torch.tensor([0.5, -0.25, 0.0, -0.75]))
    tensor(3.)
    """
    return rows.abs().amax(-1) * rows.shape[-1]
