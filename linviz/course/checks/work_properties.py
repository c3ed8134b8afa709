"""Properties about work. Work is counted in numbers computed, not in seconds: the same on every machine."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exercise import Attempt, Finding, Property
from ..work_count import measure_work, memory_growth

Inputs = Callable[[int], tuple[Any, ...]]  # a number of tokens -> the arguments of an answer
TABLE = "right numbers, but twice the tokens need more than twice the work: your code makes an N x N table"
BEND = 400      # numbers: a table of float16 that grows from 32 to 96 tokens bends the line by 512
MANY = 4096     # tokens: a table of float32 has 67 MB


def linear_in_tokens(inputs: Inputs, advice: str, seen: str = TABLE) -> Property:
    """An answer must not make an N x N table, in torch, numpy or Python: linear counts have no second difference.

    `advice` says what to multiply first.
    """
    def ask(a: Attempt) -> Finding | None:
        def bend(kind: str) -> int:
            small, middle, large = (getattr(measure_work(a.theirs, inputs(n)), kind) for n in (32, 64, 96))
            return int(large - 2 * middle + small)
        table = (bend("numbers") > 0 or bend("outside") > BEND and bend("outside") > BEND  # again, with full caches
                 or memory_growth(a.theirs, inputs(MANY)) > 3 * MANY ** 2)
        return Finding(seen, advice, True) if table else None
    return ask
