"""Properties about work. Work is counted in numbers computed, not in seconds: the same on every machine."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exercise import Attempt, Finding, Property
from ..work_count import measure_work, memory_growth

Inputs = Callable[[int], tuple[Any, ...]]  # a number of tokens -> the arguments of an answer
TABLE = "right numbers, but twice the tokens need more than twice the work: your code makes an N x N table"
BEND = 250      # numbers: a table of float16 that grows from 24 to 72 tokens bends the line by 288
MANY = 4096     # tokens: a table of float32 has 67 MB


def linear_in_tokens(inputs: Inputs, advice: str, seen: str = TABLE) -> Property:
    """An answer must not make an N x N table, in torch, numpy or Python: linear counts have no second difference.

    `advice` says what to multiply first.
    """
    def ask(a: Attempt) -> Finding | None:
        def measured() -> tuple[int, int]:
            small, middle, large = (measure_work(a.theirs, inputs(n)) for n in (24, 48, 72))
            return (large.numbers - 2 * middle.numbers + small.numbers,
                    large.outside - 2 * middle.outside + small.outside)
        inside, outside = measured()
        if BEND < outside < 10 * BEND:
            inside, outside = measured()                # once more: the first call may have filled a cache
        table = inside > 0 or outside > BEND or memory_growth(a.theirs, inputs(MANY)) > 3 * MANY ** 2
        return Finding(seen, advice, True) if table else None
    return ask
