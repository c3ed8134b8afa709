"""Races: the same work done in several ways, timed in turns in one process.

The clock is the processor time of this process, so other programs on the machine change little. Every run is warmed
up once, and that round is dropped. Then the runs take turns, forwards and backwards. A ratio is taken round by round;
its median and quartiles are reported.
"""
from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

LEAST = 0.02        # seconds: a shorter run is repeated within a round until it takes as long
SLOW = 1.0          # seconds from which a run is slow...
SLOW_ROUNDS = 3     # ...and takes part in this many rounds only
VERY_SLOW = 10.0    # seconds from which a run takes part in one round

Run = Callable[[], Any]


@dataclass(frozen=True)
class Effort:
    """How much is measured: "full" for the published page, "quick" to look, "tiny" to see that it runs.

    rounds: of a race. memory: whether peaks are measured, each in a process of its own. peers: whether other
    libraries take part, if they are installed.

    >>> Effort("quick").pick(4096, 256, 16)
    256
    """

    name: str = "full"
    rounds: int = 15
    memory: bool = True
    peers: bool = True

    def pick(self, full: Any, quick: Any, tiny: Any) -> Any:
        """The value for this effort."""
        return {"full": full, "quick": quick, "tiny": tiny}[self.name]


@dataclass(frozen=True)
class Ratio:
    """The median of a ratio over rounds, with its quartiles."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Race:
    """Seconds of every run in every round; None in the rounds that a slow run left out."""

    seconds: Mapping[str, list[float | None]]

    def median(self, name: str) -> float:
        """Median seconds of one call.

        >>> Race({"a": [1.0, None, 3.0]}).median("a")
        2.0
        """
        return statistics.median(x for x in self.seconds[name] if x is not None)

    def milliseconds(self, name: str) -> float:
        """Median milliseconds of one call."""
        return 1e3 * self.median(name)

    def ratio(self, slower: str, faster: str) -> Ratio:
        """How many times longer one run takes than another, over the rounds in which both took part.

        >>> Race({"a": [2.0, 4.0, 9.0], "b": [1.0, 1.0, 3.0]}).ratio("a", "b").middle
        3.0
        """
        pairs = zip(self.seconds[slower], self.seconds[faster])
        return spread_of([a / b for a, b in pairs if a is not None and b is not None])


def spread_of(values: list[float]) -> Ratio:
    """Median and quartiles.

    >>> spread_of([1.0, 2.0, 3.0])
    Ratio(middle=2.0, low=1.5, high=2.5)
    """
    return Ratio(*(float(x) for x in np.quantile(values, (0.5, 0.25, 0.75))))


def run_race(runs: Mapping[str, Run], rounds: int, clock: Callable[[], float] = time.process_time,
             warm: Mapping[str, int] | None = None) -> Race:
    """Time all runs in turns, the garbage collector off.

    warm: slow runs that need no warm-up, since the comparison of results has just done the same; their rounds.

    >>> race = run_race({"short": lambda: None, "long": lambda: sum(range(10_000))}, rounds=3)
    >>> race.ratio("long", "short").middle > 1, len(race.seconds["short"])
    (True, 3)
    """
    counts, turns, warm = {}, {}, warm or {}
    for name, run in runs.items():
        counts[name], most = (1, warm[name]) if name in warm else _warm_up(run, clock)
        turns[name] = _chosen_rounds(rounds, min(rounds, most or rounds))
    seconds: dict[str, list[float | None]] = {name: [] for name in runs}
    gc.collect()
    gc.disable()
    try:
        for number in range(rounds):
            for name in list(runs)[::-1 if number % 2 else 1]:
                taken = _seconds_of(runs[name], counts[name], clock) if number in turns[name] else None
                seconds[name].append(taken)
    finally:
        gc.enable()
    return Race(seconds)


def _warm_up(run: Run, clock: Callable[[], float]) -> tuple[int, int | None]:
    """How often a run is repeated in a round, and its number of rounds if it is slow."""
    first = _seconds_of(run, 1, clock)
    if first >= SLOW:
        return 1, 1 if first >= VERY_SLOW else SLOW_ROUNDS
    return max(1, int(LEAST / max(_seconds_of(run, 1, clock), 1e-7))), None


def _chosen_rounds(rounds: int, count: int) -> set[int]:
    """`count` of the rounds, evenly spread."""
    return {round(x) for x in np.linspace(0, rounds - 1, count)} if count > 1 else {rounds // 2}


def _seconds_of(run: Run, count: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(count):
        run()
    return (clock() - start) / count


def largest_difference(what: str, found: Tensor, wanted: Tensor, rtol: float) -> float:
    """The largest |found - wanted| as a part of the largest |wanted|; ValueError where it exceeds rtol.

    Nothing is timed before this holds: two runs that give different results cannot be compared.

    >>> largest_difference("sums", torch.ones(3), torch.ones(3), rtol=1e-6)
    0.0
    """
    scale = wanted.detach().abs().max().clamp_min(torch.finfo(wanted.dtype).tiny)
    apart = ((found.detach().to(wanted.dtype) - wanted.detach()).abs().max() / scale).item()
    if not apart <= rtol:
        raise ValueError(f"{what}: the results differ by {apart:.1e} of the largest, and {rtol:.0e} is allowed; "
                         "speeds of different results are not compared")
    return apart
