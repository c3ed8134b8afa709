"""Which rows or columns of a map are asked for: a number, several numbers, a slice, or a tensor of numbers."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsIndex

import numpy as np
import torch
from torch import Tensor

from ..shapes import Int
from .readable import is_readable

Numbers = SupportsIndex | Sequence[int] | range | slice | np.ndarray | Int[Tensor, "*n"]


def row_numbers(given: Any, size: int, device: torch.device | None = None, what: str = "query") -> Tensor:
    """Numbers of rows as a tensor (n,) of int64, from 0, on a device; -1 is the last. A single number gives one row.

    IndexError, in one sentence, for a number outside the map; TypeError for what is no number.

    >>> row_numbers(5, 9).tolist(), row_numbers([5, -1], 9).tolist(), row_numbers(slice(2), 9).tolist()
    ([5], [5, 8], [0, 1])
    """
    if isinstance(given, slice):
        return torch.tensor(range(size)[given], dtype=torch.int64, device=device)
    i = _as_integers(given, what)
    if i.numel() and is_readable(i) and not bool(((i >= -size) & (i < size)).all()):
        wrong = int(i[(i < -size) | (i >= size)].flatten()[0])
        raise IndexError(f"{what} {wrong} is outside the map: its numbers are 0..{size - 1}")
    return torch.where(i < 0, i + size, i).to(device)


def _as_integers(given: Any, what: str) -> Tensor:
    try:
        given = np.array(given) if isinstance(given, np.ndarray | range) else given
        i = torch.as_tensor(given)
    except (TypeError, ValueError, RuntimeError):
        i = torch.tensor([0.5])  # refused below
    if i.is_floating_point() and i.numel() == 0 and not isinstance(given, Tensor):
        i = i.long()  # an empty list
    if i.is_floating_point() or i.is_complex() or i.dtype == torch.bool or i.ndim > 1:
        raise TypeError(f"{what} numbers are a whole number, a list of them or a slice, as in 5, [5, 7] or 2:9; "
                        f"got {given!r:.80}")
    return i.long().reshape(-1)


def is_one_number(given: Any) -> bool:
    """Whether a single row is asked for, so that its axis is left out.

    >>> is_one_number(5), is_one_number([5]), is_one_number(slice(5)), is_one_number(torch.tensor(5))
    (True, False, False, True)
    """
    return not isinstance(given, slice | range | Sequence) and getattr(given, "ndim", 0) == 0
