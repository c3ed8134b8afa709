"""Two results compared: the first number that differs, in enough digits to see that it differs."""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .tensor_equality import RELATIVE, is_close


@dataclass(frozen=True)
class Difference:
    """The first number that differs: where, what was wanted, what there is; and how many differ."""

    place: str
    wanted: str
    got: str
    count: int


def first_difference(got: Tensor, wanted: Tensor, within: float = RELATIVE, form: str = ".4g") -> Difference | None:
    """The first difference of two tensors beyond `within` of the largest number; None if they are close.

    >>> first_difference(torch.tensor([1.0, 2.00001]), torch.tensor([1.0, 2.0]))
    Difference(place='1', wanted='2', got='2.00001', count=1)
    """
    if got.shape != wanted.shape:
        return Difference("", f"the shape {tuple(wanted.shape)}", f"the shape {tuple(got.shape)}", wanted.numel())
    if is_close(got, wanted, within):
        return None
    a, b = got.double(), wanted.double()
    near = ((a - b).abs() <= within * b.nan_to_num(0.0).abs().max()) | (a.isnan() & b.isnan())
    at = tuple((~near).nonzero()[0].tolist())
    return Difference(", ".join(map(str, at)), *number_pair(b[at].item(), a[at].item(), form), int((~near).sum()))


def number_pair(wanted: float, got: float, form: str = ".4g") -> tuple[str, str]:
    """Two different numbers as texts that differ, with as many digits as this needs.

    >>> number_pair(0.5, 0.500001, ".2f")
    ('0.500000', '0.500001')
    >>> number_pair(7.96303, 7.9630300001)
    ('7.96303', '7.9630300001')
    """
    kind, digits = form[-1], int(form.strip(".gf") or 0)
    for more in range(digits, 18):
        said = f"{wanted:.{more}{kind}}", f"{got:.{more}{kind}}"
        if said[0] != said[1]:
            return said
    return f"{wanted!r}", f"{got!r}"


def row_difference(got: Tensor, wanted: float, within: float, form: str = ".4g") -> Difference | None:
    """The first number that is not `wanted`.

    >>> row_difference(torch.tensor([1.0, 0.5]), 1.0, 1e-6).got
    '0.5'
    """
    return first_difference(got, torch.full_like(got, wanted), within, form)
