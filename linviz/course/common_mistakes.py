"""Mistakes that can be made in every exercise; their names end the table of each."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .tensor_equality import as_tensors, is_close

SMALL = 1e-3        # relative: an eps of at most 0.001 beside a sum of about one
ROUNDED = 1e-5      # relative: what float32 loses in a few steps, with room
Pairs = list[tuple[Tensor, Tensor]]


def common_mistake(attempts: Sequence[tuple[Any, Any]]) -> str | None:
    """The name of the mistake that explains all attempts, each (result, right result); None if there is none.

    >>> common_mistake([(torch.tensor([0, 1]), torch.tensor([0.5, 1.5]))])
    'when results are kept in whole numbers, which have no fractions'
    """
    if all(_is_list(*a) for a in attempts):
        return "when the results come back in a list, not as a tensor or a tuple"
    pairs: Pairs = []
    for got, wanted in ((as_tensors(x), as_tensors(y)) for x, y in attempts):
        if got is None or wanted is None or [x.shape for x in got] != [x.shape for x in wanted]:
            return None
        pairs += zip(got, wanted, strict=True)
    return next((name for name, explains in NAMES.items() if explains(pairs)), None)


def _is_list(got: Any, expected: Any) -> bool:
    """Whether the right tensors came back in a list."""
    wanted = as_tensors(expected) or ()
    if not isinstance(got, list) or len(got) != len(wanted):
        return False
    return all(isinstance(x, Tensor) and is_close(x, y) for x, y in zip(got, wanted, strict=True))


def _kept_whole(pairs: Pairs) -> bool:
    """Whole numbers in place of fractions: cut or rounded."""
    changed = [(x, y) for x, y in pairs if y.is_floating_point() and not x.is_floating_point()]
    return bool(changed) and all(not x.dtype.is_complex and any(
        torch.equal(x.double(), cut(y.double())) for cut in (torch.trunc, torch.floor, torch.round))
        for x, y in changed)


def _kept_short(pairs: Pairs) -> bool:
    """The right numbers in a shorter type."""
    return any(x.dtype != y.dtype for x, y in pairs) and all(
        x.is_floating_point() == y.is_floating_point() and is_close(x, y, 0.01 if x.dtype.itemsize == 2 else ROUNDED)
        for x, y in pairs)


def _has_eps(pairs: Pairs) -> bool:
    """Every number is a little too small, or every number a little too large: no rounding does this."""
    off = [((x - y) / y)[y != 0].flatten() for x, y in pairs if y.is_floating_point() and x.dtype == y.dtype]
    if not off or not all(is_close(x, y, SMALL) for x, y in pairs):
        return False
    change = torch.cat(off)
    change = change[change.abs() > 1e-13]
    return len(change) >= 8 and bool((change > 0).all() or (change < 0).all())


def _was_short(pairs: Pairs) -> bool:
    """Right up to what float32 can hold, but in float64."""
    return all(x.dtype == y.dtype and is_close(x, y, ROUNDED) for x, y in pairs) and not all(
        is_close(x, y) for x, y in pairs)


NAMES: dict[str, Callable[[Pairs], bool]] = {
    "when results are kept in whole numbers, which have no fractions": _kept_whole,
    "when results are kept in a shorter type than the inputs, as torch.zeros(...) without dtype": _kept_short,
    "when a small number (an eps) is added, or has another size": _has_eps,
    "when float32 is used on the way, for example by .float() or torch.zeros(...) without dtype": _was_short,
}
