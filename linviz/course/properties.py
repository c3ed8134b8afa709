"""Properties that every answer must have, in the order in which they are checked.

Purity comes first, because an answer that changes its inputs would fail the other properties without a clear reason.
A property returns None or a Finding: one line with the observation, and one line with a hint.
"""
from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .exercise import Answer, Attempt, Finding, Property, as_tensors, is_close, letter_sizes


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
        return Finding(f"expected a tensor, got {type(a.got).__name__}", "Return torch tensors.", names=True)
    if len(got) != len(wanted):
        return Finding(f"expected {_tensor_count(len(wanted))}, got {_tensor_count(len(got))}", names=True)
    return None


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
            return Finding(f"expected {wanted.dtype}, got {got.dtype}",
                           "New tensors take the dtype of the inputs: x.new_ones(...), or dtype=x.dtype.", names=True)
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
        if not is_close(got, wanted):
            off = (got - wanted).abs() > 1e-9 * wanted.abs().max()
            at = tuple(off.nonzero()[0].tolist())
            place = ", ".join(map(str, at))
            return Finding(f"at [{place}] expected {wanted[at].item():.6g}, got {got[at].item():.6g}",
                           f"{int(off.sum())} of {off.numel()} numbers differ.")
    return None


def _tensor_pairs(a: Attempt) -> list[tuple[Tensor, Tensor]]:
    wanted, got = as_tensors(a.expected), as_tensors(a.got)
    assert wanted is not None and got is not None
    return list(zip(wanted, got, strict=True))


FIRST: tuple[Property, ...] = (keeps_inputs, returns_tensors, matches_shape, matches_dtype, is_finite)
LAST: tuple[Property, ...] = (matches_values,)


class Tally(TorchDispatchMode):
    """Counts every number that torch computes while the context is active: no clock, so no noise."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.made += sum(t.numel() for t in (out if isinstance(out, tuple | list) else (out,)) if isinstance(t, Tensor))
        return out


def count_numbers(answer: Answer, given: tuple[Any, ...]) -> int:
    """How many numbers an answer computes.

    >>> import torch
    >>> count_numbers(lambda x: x @ x.mT, (torch.ones(10, 2),)) >= 100
    True
    """
    with Tally() as count:
        answer(*given)
    return count.made
