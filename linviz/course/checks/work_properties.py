"""Properties about work. Work is counted in numbers computed, not in seconds: exact on every machine."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exercise import Answer, Attempt, Finding, Property
from ..properties import Tally, count_numbers

Inputs = Callable[[int], tuple[Any, ...]]  # a number of tokens -> the arguments of an answer
TABLE = "right numbers, but twice the tokens need more than twice the work: your code makes an N x N table"


def linear_in_tokens(inputs: Inputs, advice: str, seen: str = TABLE) -> Property:
    """An answer must not make an N x N table: a count that is linear in N has no second difference.

    `advice` says what to multiply first.
    """
    def ask(a: Attempt) -> Finding | None:
        small, middle, large = (count_numbers(a.theirs, inputs(n)) for n in (12, 24, 36))
        return None if large - middle <= middle - small else Finding(seen, advice, True)
    return ask


class Calls(Tally):
    """Counts how often torch is called while the context is active."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        return super().__torch_dispatch__(func, types, args, kwargs)


def calls(answer: Answer, given: tuple[Any, ...]) -> int:
    """How many operations of torch an answer calls.

    >>> import torch
    >>> calls(lambda x: x.exp() + 1, (torch.ones(3),))
    2
    """
    with Calls() as count:
        answer(*given)
    return count.calls
