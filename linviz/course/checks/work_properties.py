"""Properties about work. Work is counted in numbers computed, not in seconds: the same on every machine."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exercise import Attempt, Finding, Property
from ..work_count import measure_work, memory_growth

Inputs = Callable[[int], tuple[Any, ...]]  # a number of tokens -> the arguments of an answer
TABLE = "right numbers, but twice the tokens need more than twice the work: your code makes an N x N table"
MANY = 4096     # tokens: a table of float32 has 67 MB


def linear_in_tokens(inputs: Inputs, advice: str, seen: str = TABLE) -> Property:
    """An answer must not make an N x N table, in torch, numpy or Python: linear counts have no second difference.

    `advice` says what to multiply first.
    """
    def ask(a: Attempt) -> Finding | None:
        small, middle, large = (measure_work(a.theirs, inputs(n)) for n in (32, 64, 96))
        bend = large.outside - 2 * middle.outside + small.outside       # a table of float16 bends by 512
        table = large.numbers - middle.numbers > middle.numbers - small.numbers or bend > 400
        if not table:
            table = memory_growth(a.theirs, inputs(MANY)) > 3 * MANY ** 2
        return Finding(seen, advice, True) if table else None
    return ask
