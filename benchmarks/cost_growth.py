"""How the cost of every mechanism grows with the number of tokens, beside the growth that its page states."""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from linviz import Grid, make, names
from linviz.cost import cost_growth
from linviz.mechanisms import REGISTRY

from .bench_races import Effort, run_race
from .bench_results import Result, Table

HEADS, WIDTH = 2, 16
SIDES = (16, 28, 40, 56, 80, 112)
LONGEST = 0.35      # seconds of a call, from which no larger picture is tried
TAIL = 3            # the largest sizes, to which the exponent is fitted: small ones are mostly overhead
APART = 0.3         # exponents that differ by more are pointed out


def bench_growth(effort: Effort) -> Result:
    """The forward pass of every name on pictures of 16 x 16 to 112 x 112 patches."""
    result = Result("growth", "How the cost grows with the number of tokens")
    rows, wrong = [], []
    for name in effort.pick(names(), names(), ["softmax", "linear"]):
        sizes, seconds = measure_sizes(name, effort.pick(SIDES, SIDES[:4], (3, 4)), min(effort.rounds, 3))
        stated = stated_exponent(REGISTRY[name].cost, *grids_of(sizes[-TAIL:])[::len(sizes[-TAIL:]) - 1])
        fitted = fitted_exponent(sizes[-TAIL:], seconds[-TAIL:])
        rows.append([name, REGISTRY[name].cost, sizes[-1], 1e3 * seconds[-1], stated, fitted])
        wrong += [name] if fitted > stated + APART else []
        result.curves[name] = {"tokens": sizes, "milliseconds": [1e3 * s for s in seconds], "stated": stated,
                               "fitted": fitted, "cost": REGISTRY[name].cost}
    columns = ["mechanism", "stated cost of a head", "largest N", "ms there", "stated exponent", "fitted exponent"]
    result.tables.append(Table(f"Forward, {HEADS} heads, width {WIDTH}, one thread", columns, rows))
    result.notes.append(f"The exponent of N is fitted to the {TAIL} largest pictures; no larger one is tried once a "
                        f"call takes {LONGEST:g} s.")
    result.notes.append(f"Grow faster than stated by more than {APART:g}: {', '.join(wrong) or 'none'}.")
    return result


def measure_sizes(name: str, sides: Sequence[int], rounds: int) -> tuple[list[int], list[float]]:
    """Numbers of tokens and median seconds of a forward pass, up to the first that takes too long."""
    sizes: list[int] = []
    seconds: list[float] = []
    for side in sides:
        run = forward_run(name, side)
        with torch.no_grad():
            seconds.append(run_race({name: run}, rounds).median(name))
        sizes.append(side * side)
        if len(sizes) > 1 and seconds[-1] > LONGEST:
            break
    return sizes, seconds


def forward_run(name: str, side: int) -> Callable[[], Any]:
    """A forward pass on a picture of side x side patches."""
    grid = Grid(1, side, side)
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, HEADS, len(grid), WIDTH, generator=generator)
    m = make(name, HEADS, WIDTH, grid)
    return lambda: m(q, k, v)


def grids_of(sizes: Sequence[int]) -> list[Grid]:
    """Square pictures with these numbers of tokens."""
    return [Grid(1, math.isqrt(n), math.isqrt(n)) for n in sizes]


def stated_exponent(cost: str, short: Grid, long: Grid) -> float:
    """The exponent of N with which a stated cost grows between two grids.

    >>> stated_exponent("N S D", Grid(Y=2, X=2), Grid(Y=4, X=4)), stated_exponent("N D E", Grid(X=4), Grid(X=8))
    (2.0, 1.0)
    """
    return math.log(cost_growth(cost, short, long)) / math.log(len(long) / len(short))


def fitted_exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of the line through the points on logarithmic axes.

    >>> round(fitted_exponent([10, 100, 1000], [1.0, 100.0, 10_000.0]), 6)
    2.0
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
