"""Time and memory of mechanisms, measured on this machine on pictures of growing size, with a formula through them.

Seconds are processor time of the calling thread, with one head and random q, k and v: other programs change them
little, but another machine changes them a lot. Memory is counted: the bytes of all tensors that exist at the same time
during a call, without the buffers inside a single operation of torch.
"""
from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import torch

from .cost import cost_growth, tensor_bytes
from .grid import Grid
from .live_memory import peak_bytes
from .mechanisms import REGISTRY, make

SIDES = (7, 10, 14, 20, 28, 40, 56)  # patches along a square picture: 49 to 3,136 tokens
SHORTEST = 0.003  # seconds: shorter calls are repeated within a round until they take as long
LONGEST = 0.25  # seconds of a call: a picture on which a call would take longer is not measured
Run = Callable[[], Any]


@dataclass(frozen=True)
class CostPoint:
    """One call of a mechanism on `tokens` patches; estimated where `measured` is False.

    seconds     processor time of a call, the median of the rounds
    kept_bytes  of the tensors that the map holds once it is made
    peak_bytes  of all tensors that exist at the same time during a call, at most, without q, k and v
    """

    name: str
    tokens: int
    seconds: float
    kept_bytes: int
    peak_bytes: int
    measured: bool = True


@dataclass(frozen=True)
class CostFormula:
    """seconds = start + rate * tokens ** power.

    >>> CostFormula(1.0, 0.5, 2.0).seconds(4)
    9.0
    """

    start: float
    rate: float
    power: float

    def seconds(self, tokens: float) -> float:
        """Seconds of a call on so many patches."""
        return float(self.start + self.rate * tokens**self.power)


def measured_costs(names: Sequence[str], sides: Sequence[int] = SIDES, width: int = 32, rounds: int = 5,
                   most: int | None = None) -> Iterator[list[CostPoint]]:
    """For one square picture after the other, a point of every mechanism; they are measured in turns.

    width  of q, k and v;  most  tokens that are measured: above, points are estimated from the measured ones. So is a
    point where a call would take longer than `LONGEST` seconds. The first picture is always measured.

    >>> for softmax, linear in measured_costs(["softmax", "linear"], sides=(4, 6), width=8, rounds=1, most=16):
    ...     print(softmax.tokens, softmax.measured, softmax.peak_bytes > linear.kept_bytes)
    16 True False
    36 False False
    """
    found: dict[str, list[CostPoint]] = {name: [] for name in names}
    for side in sides:
        runs = {name: _forward_run(name, side, width) for name in names
                if not found[name] or _is_measured(found[name], side * side, most)}
        seconds = _median_times({name: run for name, (run, _) in runs.items()}, rounds)
        for name in names:
            found[name].append(_estimated_point(found[name], side * side) if name not in runs else CostPoint(
                name, side * side, seconds[name], tensor_bytes(runs[name][1]()), peak_bytes(runs[name][0])))
        yield [found[name][-1] for name in names]


def _forward_run(name: str, side: int, width: int) -> tuple[Run, Run]:
    """A call of a mechanism on side x side patches, and one that makes its map only."""
    grid, draw = Grid(1, side, side), torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 1, len(grid), width, generator=draw) for _ in range(3))
    m = make(name, 1, width, grid)
    return (lambda: m(q, k, v)), (lambda: m.map(q, k, v))


def _is_measured(points: Sequence[CostPoint], tokens: int, most: int | None) -> bool:
    """Whether the next picture is small enough, and the call short enough as far as the points tell."""
    return (most is None or tokens <= most) and points[-1].measured and (
        _estimated_point(points, tokens).seconds <= LONGEST)


def _estimated_point(points: Sequence[CostPoint], tokens: int) -> CostPoint:
    """A point on the formula through the measured ones; bytes grow as between the last two of them."""
    known = [point for point in points if point.measured]
    first, last = known[max(0, len(known) - 2)], known[-1]

    def grown(before: int, now: int) -> int:
        power = math.log(now / before) / math.log(last.tokens / first.tokens) if before and first != last else 1.0
        return round(now * (tokens / last.tokens) ** power)
    return CostPoint(last.name, tokens, cost_formula(known).seconds(tokens), grown(first.kept_bytes, last.kept_bytes),
                     grown(first.peak_bytes, last.peak_bytes), measured=False)


@torch.no_grad()
def _median_times(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """Median seconds of a call of each run; they take turns."""
    counts = {}
    for name, run in runs.items():
        run()
        counts[name] = max(1, int(SHORTEST / max(_call_seconds(run, 1), 1e-7)))
    times = [{name: _call_seconds(run, counts[name]) for name, run in runs.items()} for _ in range(rounds)]
    return {name: median(one[name] for one in times) for name in runs}


def _call_seconds(run: Run, count: int) -> float:
    start = time.thread_time()
    for _ in range(count):
        run()
    return (time.thread_time() - start) / count


# ---------------------------------------------------------------- the formula


def stated_power(name: str) -> float:
    """The power of the number of patches with which the stated cost of a mechanism grows on large square pictures.

    >>> stated_power("softmax"), stated_power("linear"), stated_power("kronecker_kv")
    (2.0, 1.0, 1.49)
    """
    sides = SIDES[-1] // 2, SIDES[-1]
    grown = cost_growth(REGISTRY[name].cost, *(Grid(1, side, side) for side in sides))
    return round(math.log(grown) / math.log(sides[1]**2 / sides[0]**2), 2)


def cost_formula(points: Sequence[CostPoint]) -> CostFormula:
    """The formula nearest to the measured points of one mechanism, with the power of its stated cost.

    >>> formula = cost_formula([CostPoint("linear", n, 3.0 + 2.0 * n, 0, 0) for n in (10, 20, 40)])
    >>> round(formula.start, 6), round(formula.rate, 6), formula.power
    (3.0, 2.0, 1.0)
    """
    known = [point for point in points if point.measured]
    power = stated_power(known[0].name)
    times, grown = np.array([p.seconds for p in known]), np.array([float(p.tokens) ** power for p in known])
    start, rate = np.linalg.lstsq(np.stack([1 / times, grown / times], 1), np.ones(len(known)))[0]
    if len(known) < 2 or start < 0 or rate <= 0:  # no fixed part can be told from noise
        start, rate = 0.0, times[-1] / grown[-1]
    return CostFormula(float(start), float(rate), power)


def crossover_tokens(slow: Sequence[CostPoint], fast: Sequence[CostPoint], high: int = 1_000_000) -> int | None:
    """The number of patches from which `fast` takes less time, up to `high`; None where there is none.

    Between two points of both it is interpolated on logarithmic axes; beyond the last, it is read from the formulas.

    >>> softmax = [CostPoint("softmax", n, 1e-9 * n**2, 0, 0) for n in (49, 400, 3136)]
    >>> crossover_tokens(softmax, [CostPoint("linear", n, 1e-6 * n, 0, 0) for n in (49, 400, 3136)])
    1000
    """
    ahead = [math.log(a.seconds / b.seconds) for a, b in zip(slow, fast, strict=True)]
    last = max((n for n, gain in enumerate(ahead) if gain <= 0), default=-1)
    if last < 0:
        return slow[0].tokens
    if last + 1 == len(ahead):
        return _formula_crossover(cost_formula(slow), cost_formula(fast), slow[-1].tokens, high)
    part = ahead[last] / (ahead[last] - ahead[last + 1])
    return round(slow[last].tokens * (slow[last + 1].tokens / slow[last].tokens) ** part)


def _formula_crossover(slow: CostFormula, fast: CostFormula, low: int, high: int) -> int | None:
    """The smallest number of patches, from low to high, from which `fast` takes less time by its formula."""
    if fast.seconds(high) >= slow.seconds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fast.seconds(middle) < slow.seconds(middle) else (middle + 1, high)
    return low


def crossover_sentence(titles: Sequence[str], rows: Sequence[Sequence[CostPoint]]) -> str:
    """From which number of patches the fastest other mechanism on the largest picture is faster than the first one.

    rows: the points of at least two mechanisms, two points or more of each.

    >>> softmax = [CostPoint("softmax", n, 1e-9 * n**2, 0, 0) for n in (49, 400, 3136)]
    >>> linear = [CostPoint("linear", n, 1e-6 * n, 0, 0) for n in (49, 400, 3136)]
    >>> crossover_sentence(["softmax", "linear attention"], [softmax, linear])
    'On this machine, linear attention is faster than softmax from about 1,000 patches on.'
    """
    best = min(range(1, len(rows)), key=lambda n: rows[n][-1].seconds)
    found, names = crossover_tokens(rows[0], rows[best]), f"{titles[best]} is faster than {titles[0]}"
    if found is None:
        return f"On this machine, {titles[0]} is faster than {titles[best]} on large pictures."
    if found <= rows[0][0].tokens:
        return f"On this machine, {names} already with {found} patches."
    most = max(point.tokens for point in (*rows[0], *rows[best]) if point.measured)
    ending = ", which is an estimate." if found > most else "."
    return f"On this machine, {names} from about {float(f'{found:.2g}'):,.0f} patches on{ending}"
