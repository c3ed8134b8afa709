"""When two results of an exercise are equal."""
from __future__ import annotations

from typing import Any

from torch import Tensor

RELATIVE = 1e-9  # inputs are float64 and small: a larger tolerance would accept a forgotten eps


def as_tensors(x: Any) -> tuple[Tensor, ...] | None:
    """A result as a tuple of tensors; None for anything else."""
    x = x if isinstance(x, tuple) else (x,)
    return x if all(isinstance(t, Tensor) for t in x) else None


def is_close(a: Tensor, b: Tensor, relative: float = RELATIVE) -> bool:
    """Equal shapes, and equal numbers up to `relative` of the largest; NaN equals NaN.

    >>> import torch
    >>> is_close(torch.ones(2), torch.ones(2, 1)), is_close(torch.ones(2), torch.ones(2) + 1e-12)
    (False, True)
    """
    if a.shape != b.shape or a.numel() == 0:
        return a.shape == b.shape
    a, b = a.double(), b.double()
    scale = b.nan_to_num(0.0).abs().max().item()
    return bool((((a - b).abs() <= relative * scale) | (a.isnan() & b.isnan())).all())
