"""Exercise 17.2, find the bug: the rates of lightning attention, which one public kernel takes from another formula."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST

COUNTS = (8, 4, 16)  # heads


def right(H: int) -> Tensor:
    """Head by head: H, a power of two -> log decays (H,), float64."""
    return torch.tensor([-math.pow(2.0, -8.0 * (h + 1) / H) for h in range(H)], dtype=torch.float64)


def _heads(H: int, first: int = 1) -> Tensor:
    return torch.arange(first, first + H, dtype=torch.float64)


WRONG = {
    "when the bug is still there: a rate that grows with the number of the head": lambda H: -(8 / H) * _heads(H, 0),
    "when only the first head is repaired: heads are counted from 1, and rates still grow linearly":
        lambda H: -(8 / H) * _heads(H),
    "when heads are counted from 0": lambda H: -2 ** (-8 * _heads(H, 0) / H),
    "when the sign is forgotten, so that the memory grows": lambda H: 2 ** (-8 * _heads(H) / H),
    "when the decays are returned instead of their logarithms": lambda H: (-2 ** (-8 * _heads(H) / H)).exp(),
    "when the 8 is forgotten": lambda H: -2 ** (-_heads(H) / H),
    "when the number of heads is forgotten": lambda H: -2 ** -_heads(H),
    "when 8 h is not divided by the number of heads": lambda H: -2 ** (-8 * _heads(H)),
    "when the exponent is positive, so that rates grow geometrically": lambda H: -2 ** (8 * _heads(H) / H),
    "when the base is e, not 2": lambda H: -(-8 * _heads(H) / H).exp(),
    "when the heads are in reverse order": lambda H: -2 ** (-8 * _heads(H).flip(0) / H),
    "when all heads get the rate of the first": lambda H: -2 ** (-8 * torch.ones(H, dtype=torch.float64) / H),
    "when there is one head too few": lambda H: -2 ** (-8 * _heads(H)[:-1] / H),
    "when there is one head too many": lambda H: -2 ** (-8 * _heads(H + 1) / H),
    "when the number of heads less one divides, not their number": lambda H: -2 ** (-8 * _heads(H) / (H - 1)),
    "when 1 minus the rate is taken for the decay": lambda H: (1 - 2 ** (-8 * _heads(H) / H)).log(),
    "when the exponents are returned, times the logarithm of 2": lambda H: -8 * _heads(H) / H * math.log(2),
    "when the rates of retention are taken": lambda H: (1 - 2 ** (-4 - _heads(H))).log(),
}


def head_count(seed: int) -> tuple[Any, ...]:
    """A number of heads: a power of two."""
    return (COUNTS[seed % len(COUNTS)],)


def staircase(a: Attempt) -> Finding | None:
    """From head to head the rate is divided by the same number, and no head keeps everything."""
    (H,) = a.given
    s = -a.got.double()
    if not bool((s > 0).all()):
        h = int((s <= 0).nonzero()[0])
        return Finding(f"head {h} should forget a little: its log decay should be below 0, and yours is {-s[h]:.3g}",
                       "A decay is at most 1, so its logarithm is at most 0; at 0 a head keeps everything.", True)
    off = first_difference(s[:-1] / s[1:], torch.full_like(s[1:], 2 ** (8 / H)), 1e-6)
    return None if off is None else Finding(
        f"from head {off.place} to the next the rate should fall by a factor of {off.wanted}; yours: {off.got}",
        f"With {H} heads each rate is 2^(8/{H}) times smaller than the rate before it.", True)


log_decays = Exercise(
    "log_decays", "17.2", right, head_count, (*FIRST, staircase, *LAST), WRONG,
    "Every head forgets, and each looks further back than the one before it.")
