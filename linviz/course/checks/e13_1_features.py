"""Exercise 13.1: phi(x) = relu(x) + D^-1/2."""
from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import elu, softplus

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import RELATIVE
from .samples import M, N, normal


def right(x: Tensor) -> Tensor:
    """Number by number. x (N, D) -> (N, D)."""
    rows = [[max(c, 0.0) + 1 / math.sqrt(x.shape[1]) for c in row] for row in x.tolist()]
    return torch.tensor(rows, dtype=x.dtype)


def _floor(x: Tensor) -> float:
    return x.shape[-1] ** -0.5


WRONG = {
    "when the floor is multiplied, not added": lambda x: x.relu() * _floor(x),
    "when the floor is added before the relu": lambda x: (x + _floor(x)).relu(),
    "when the floor is 1/D instead of 1/sqrt(D)": lambda x: x.relu() + 1 / x.shape[-1],
    "when the floor is sqrt(D) instead of 1/sqrt(D)": lambda x: x.relu() + x.shape[-1] ** 0.5,
    "when the floor is made from the number of tokens instead of the width D": lambda x: x.relu() + x.shape[0] ** -0.5,
    "without the floor": lambda x: x.relu(),
    "when the floor is a lower limit (max) instead of an addition": lambda x: x.clamp_min(_floor(x)),
    "without the relu": lambda x: x + _floor(x),
    "when the floor is subtracted instead of added": lambda x: x.relu() - _floor(x),
    "with |x| in place of relu(x)": lambda x: x.abs() + _floor(x),
    "with elu(x) + 1, another kernel": lambda x: elu(x) + 1,
    "with softplus in place of the relu": lambda x: softplus(x) + _floor(x),
    "with the floor of 64 channels, 0.125, whatever the width": lambda x: x.relu() + 0.125,
    "when everything is divided by sqrt(D)": lambda x: (x.relu() + 1) * _floor(x),
}


def the_floor(a: Attempt) -> Finding | None:
    x = -1 - a.given[0].abs()
    off = row_difference(a.ask(x), x.shape[-1] ** -0.5, RELATIVE, ".3f")
    if off is None:
        return None
    seen = f"a channel at {x[0, 0].item():.2f} should give the floor alone, 1/sqrt({x.shape[-1]}) = {off.wanted}"
    return Finding(f"{seen}; yours gives {off.got}",
                   "relu gives 0 for this channel, and then the floor is added.", True)


def the_slope(a: Attempt) -> Finding | None:
    x = 1 + a.given[0].abs()
    rise = a.ask(x + 1) - a.ask(x)
    off = row_difference(rise, 1.0, 1e-6, ".3f")
    return None if off is None else Finding(
        f"adding 1 to a positive channel should add 1 to its feature; yours rises by {off.got}",
        "relu does not change a positive channel, and the floor is the same for all channels.", True)


def the_width(a: Attempt) -> Finding | None:
    x = -a.given[0].abs()[:, :4]
    off = row_difference(a.ask(x), 0.5, RELATIVE, ".3f")
    return None if off is None else Finding(
        f"with 4 channels the floor is 1/2; yours is {off.got}",
        "Take the width from the last axis of x.", True)


features = Exercise(
    "features", "13.1", right, lambda seed: (normal(seed, N, M),),
    (*FIRST, the_floor, the_slope, the_width, *LAST), WRONG,
    "For any two tokens phi(q).phi(k) is now at least 1.")
