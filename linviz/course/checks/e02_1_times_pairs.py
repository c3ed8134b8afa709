"""Exercise 2.1: by which factor the number of pairs grows."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import RELATIVE
from .samples import N, normal


def right(t: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Clip by clip. t, y, x (n,) factors of length, height and width -> (n,)."""
    return torch.tensor([(a * b * c) ** 2 for a, b, c in zip(t.tolist(), y.tolist(), x.tolist(), strict=True)],
                        dtype=t.dtype)


WRONG = {
    "when tokens are counted, not pairs of tokens": lambda t, y, x: t * y * x,
    "when only queries grow with time: keys lie in all frames, too": lambda t, y, x: t * (y * x) ** 2,
    "when time is left out": lambda t, y, x: (y * x) ** 2,
    "when only time counts": lambda t, y, x: t ** 2,
    "when the height is left out": lambda t, y, x: (t * x) ** 2,
    "when the width is left out": lambda t, y, x: (t * y) ** 2,
    "when width counts once": lambda t, y, x: (t * y) ** 2 * x,
    "when height counts once": lambda t, y, x: (t * x) ** 2 * y,
    "when the factors are added": lambda t, y, x: (t + y + x) ** 2,
    "when the squares are added": lambda t, y, x: t ** 2 + y ** 2 + x ** 2,
    "with the third power": lambda t, y, x: (t * y * x) ** 3,
    "with the fourth power of height and width": lambda t, y, x: t ** 2 * (y * x) ** 4,
    "when it is doubled instead of squared": lambda t, y, x: 2 * t * y * x,
    "when time divides": lambda t, y, x: (y * x / t) ** 2,
    "when the width divides": lambda t, y, x: (t * y / x) ** 2,
}


def factors(seed: int) -> tuple[Tensor, ...]:
    """Inputs: factors between about 1 and 4, of seven clips."""
    return tuple(1 + normal(seed + n, N).abs() for n in (0, 10, 20))


def frames(a: Attempt) -> Finding | None:
    one, two = (torch.full((1,), n, dtype=torch.float64) for n in (1.0, 2.0))
    cases = (("twice as many frames", (two, one, one), 4.0), ("twice as high", (one, two, one), 4.0),
             ("twice as wide", (one, one, two), 4.0), ("nothing changed", (one, one, one), 1.0),
             ("all three doubled", (two, two, two), 64.0))
    for change, given, wanted in cases:
        if off := row_difference(a.ask(*given), wanted, RELATIVE):
            return Finding(f"{change}: the pairs should be {off.wanted} times as many; yours gives {off.got}",
                           "Tokens grow with all three factors. A pair is a query and a key: square the product.", True)
    return None


times_pairs = Exercise(
    "times_pairs", "2.1", right, factors, (*FIRST, frames, *LAST), WRONG,
    "Every side counts twice: once for queries, once for keys.")
