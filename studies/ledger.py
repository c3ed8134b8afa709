"""The stored numbers by arm and budget: accuracies with their intervals, and differences between two arms.

An arm is one variant of attention. There are two kinds of interval, and they are never mixed. An interval over seeds
(Student's t) is for another initialisation and order of clips; it needs at least three seeds. An interval over clips is
for other clips of the same kind and exactly these weights; it is used for an arm with one seed.
"""
from __future__ import annotations

import statistics as plain
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .interval_statistics import Interval, mean_interval, paired_interval, share_interval
from .model_measures import unpack_bits

FEWEST = 3  # seeds of an interval over seeds
Record = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """A number, the interval around it, the values it is the mean of, and what the interval is over."""

    mean: float
    interval: Interval
    values: tuple[float, ...]
    over: str  # "seeds" or "clips"

    @property
    def sign(self) -> int:
        """1 if the interval lies above 0, -1 if it lies below 0, and 0 if it contains 0.

        >>> Value(0.2, (0.1, 0.3), (0.2,), "clips").sign, Value(0.2, (-0.1, 0.5), (0.2,), "clips").sign
        (1, 0)
        """
        low, high = self.interval
        return (low > 0) - (high < 0)


class Ledger:
    """All stored numbers: the models of the motion task by arm and budget, and the results of the other sets."""

    def __init__(self, records: Record, sealed: Record | None = None) -> None:
        self.records, self.sealed = records, sealed or {}
        self.clips = records["settings"]["clips"]

    def names(self, budget: str) -> list[str]:
        """Arms of a budget, most accurate first."""
        names = [key.partition("/")[2] for key in self.records["motion"] if key.startswith(budget + "/")]
        return sorted(names, key=lambda name: -self.accuracy(budget, name).mean)

    def has(self, budget: str, *names: str) -> bool:
        """Whether a budget has all of these arms."""
        return all(f"{budget}/{name}" in self.records["motion"] for name in names)

    def models(self, budget: str, name: str) -> list[Record]:
        """An arm's models in the order of their seeds."""
        return sorted(self.records["motion"][f"{budget}/{name}"].values(), key=lambda model: model["seed"])

    def seeds(self, budget: str, name: str) -> int:
        """How many seeds an arm has."""
        return len(self.records["motion"].get(f"{budget}/{name}", ()))

    def each(self, budget: str, name: str, of: Callable[[Record], float]) -> tuple[float, ...]:
        """A number for every model of an arm."""
        return tuple(of(model) for model in self.models(budget, name))

    def mean(self, budget: str, name: str, of: Callable[[Record], float]) -> float:
        """The mean of a number over the models of an arm."""
        return plain.fmean(self.each(budget, name, of))

    def accuracy(self, budget: str, name: str) -> Value:
        """Accuracy of an arm on the new clips."""
        found = self.each(budget, name, lambda model: model["accuracy"])
        mean = plain.fmean(found)
        if len(found) >= FEWEST:
            return Value(mean, mean_interval(found), found, "seeds")
        return Value(mean, share_interval(mean, self.clips), found, "clips")

    def gap(self, budget: str, one: str, other: str) -> Value:
        """Accuracy of one arm minus that of another: seed by seed, or clip by clip if there is only seed 0."""
        pairs = [(a, b) for a in self.models(budget, one) for b in self.models(budget, other) if a["seed"] == b["seed"]]
        gaps = tuple(a["accuracy"] - b["accuracy"] for a, b in pairs)
        if len(gaps) >= FEWEST:
            return Value(plain.fmean(gaps), mean_interval(gaps), gaps, "seeds")
        a, b = pairs[0]
        return Value(gaps[0], paired_interval(unpack_bits(a["right"]), unpack_bits(b["right"])), gaps[:1], "clips")


def layer_mean(model: Record, measure: str) -> float | None:
    """A measure of the maps, mean over layers; None if a layer lacks it."""
    found = [layer.get(measure) for layer in model["layers"]]
    return None if None in found else plain.fmean(found)


def crossing_step(curve: list[list[float]], level: float) -> float | None:
    """The step at which a curve first reaches a level, interpolated between two rows; None if it never does.

    >>> crossing_step([[50, 0.1], [100, 0.3]], 0.2), crossing_step([[50, 0.1]], 0.2)
    (75.0, None)
    """
    before = [0.0, 0.0]
    for step, height in curve:
        if height >= level:
            return before[0] + (step - before[0]) * (level - before[1]) / (height - before[1])
        before = [step, height]
    return None
