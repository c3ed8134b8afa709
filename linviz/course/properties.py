"""Properties that every answer must have, in the order in which they are checked.

Purity comes first, because an answer that changes its inputs would fail the other properties without a clear reason.
A property returns None or a Finding: one line with the observation, and one line with a hint.
"""
from __future__ import annotations

import contextlib
from typing import Any

from torch import Tensor

from .comparison import first_difference
from .exercise import Attempt, Finding, Property, letter_sizes
from .tensor_equality import as_tensors, is_close
from .work_count import count_numbers as count_numbers  # the chapters take it from here


def keeps_inputs(a: Attempt) -> Finding | None:
    """The answer did not change its inputs."""
    for n, (before, after) in enumerate(zip(a.given, a.after, strict=True)):
        if isinstance(before, Tensor) and not is_close(after, before, 0.0):
            return Finding(f"your function changed its input number {n + 1}",
                           "Write y = x.relu(), not x.relu_(); and y = x * r, not x *= r.", names=True)
    return None


def returns_tensors(a: Attempt) -> Finding | None:
    """The answer returned a tensor, or the right number of tensors."""
    if a.got is None:
        return Finding("your function returned nothing", "Is the return missing?", names=True)
    wanted, got = as_tensors(a.expected), as_tensors(a.got)
    assert wanted is not None
    if got is None:
        return _wrong_kind(a.got, len(wanted))
    if len(got) != len(wanted):
        return Finding(f"expected {_tensor_count(len(wanted))}, got {_tensor_count(len(got))}", names=True)
    return None


def _wrong_kind(got: Any, count: int) -> Finding:
    """What to say about a result that is neither a tensor nor a tuple of tensors."""
    kind = type(got).__name__
    if isinstance(got, list) and got and all(isinstance(x, Tensor) for x in got):
        how = "return a, b" if count > 1 else "return a"
        wanted = f"a tuple of {count} tensors" if count > 1 else "a tensor"
        return Finding(f"expected {wanted}, got a list of {len(got)}", f"Write `{how}`, without brackets.", names=True)
    if isinstance(got, tuple):
        kind = "a tuple with a " + next(type(x).__name__ for x in got if not isinstance(x, Tensor))
    hint = "torch.from_numpy(x) makes a tensor of an array." if "ndarray" in kind else "Return torch tensors."
    return Finding(f"expected {_tensor_count(count)}, got {kind}", hint, names=True)


def _tensor_count(n: int) -> str:
    return "one tensor" if n == 1 else f"{n} tensors"


def matches_shape(a: Attempt) -> Finding | None:
    """The shapes are right."""
    for wanted, got in _tensor_pairs(a):
        if wanted.shape != got.shape:
            letters = letter_sizes(a.theirs, a.given)
            return Finding(f"expected shape {tuple(wanted.shape)}, got {tuple(got.shape)}",
                           "All sizes in a check differ, so a shape shows which axis is where"
                           f"{': here ' if letters else ''}{letters}.")
    return None


def matches_dtype(a: Attempt) -> Finding | None:
    """The results have the dtype of the inputs."""
    for wanted, got in _tensor_pairs(a):
        if wanted.dtype != got.dtype:
            whole = not wanted.is_floating_point()
            hint = ("These are whole numbers: counts and indices have torch's own type, torch.int64." if whole else
                    "New tensors take the dtype of the inputs: x.new_ones(...), or dtype=x.dtype.")
            return Finding(f"expected {wanted.dtype}, got {got.dtype}", hint, names=True)
    return None


def is_finite(a: Attempt) -> Finding | None:
    """The results have no NaN and no infinity."""
    for _, got in _tensor_pairs(a):
        if not got.isfinite().all():
            return Finding(f"{int((~got.isfinite()).sum())} of {got.numel()} numbers are NaN or infinite",
                           "Is something divided by zero, or the logarithm taken of a negative number?")
    return None


def matches_values(a: Attempt) -> Finding | None:
    """The numbers are right; the finding shows the first that differs."""
    for wanted, got in _tensor_pairs(a):
        if off := first_difference(got, wanted, form=".6g"):
            return Finding(f"at [{off.place}] expected {off.wanted}, got {off.got}",
                           f"{off.count} of {wanted.numel()} numbers differ.")
    return None


def _tensor_pairs(a: Attempt) -> list[tuple[Tensor, Tensor]]:
    wanted, got = as_tensors(a.expected), as_tensors(a.got)
    assert wanted is not None and got is not None
    return list(zip(wanted, got, strict=True))


FIRST: tuple[Property, ...] = (keeps_inputs, returns_tensors, matches_shape, matches_dtype, is_finite)
LAST: tuple[Property, ...] = (matches_values,)


def is_idle(a: Attempt) -> bool:
    """Whether nothing was done: every result is one number throughout, or an input as it is, cut or repeated."""
    got = as_tensors(a.got)
    return got is not None and a.error is None and all(_is_idle_tensor(x, a.given) for x in got)


def _is_idle_tensor(x: Tensor, given: tuple[Any, ...]) -> bool:
    if x.numel() == 0 or bool((x == x.flatten()[0]).all()) or bool(x.isnan().all()):
        return True
    return any(_is_part(x.double(), y.double()) for y in given if isinstance(y, Tensor))


def _is_part(x: Tensor, y: Tensor) -> bool:
    """Whether x shows the beginning of y, perhaps transposed or repeated along an axis."""
    for z in (y, y.mT) if y.ndim >= 2 else (y,):
        if x.numel() == z.numel() and bool((x.flatten() == z.flatten()).all()):
            return True
        if x.ndim == z.ndim:
            z = z[tuple(slice(n) for n in x.shape)]
        with contextlib.suppress(RuntimeError):
            if bool((x == z.expand_as(x)).all()):
                return True
    return False
