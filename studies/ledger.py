"""The kept numbers, asked by arm and budget: accuracies with their intervals, and differences between two arms.

Two kinds of interval, never mixed: over seeds (Student's t; another initialisation and another order of clips), where
an arm has three seeds or more, and over clips (other clips of the same kind, these very weights), where it has one.
"""
from __future__ import annotations

import statistics as plain
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .interval_statistics import Interval, mean_interval, paired_interval, share_interval
from .model_measures import unpack_bits

FEWEST = 3  # seeds from which an interval over seeds is told
Told = dict[str, Any]


@dataclass(frozen=True)
class Value:
    """A number, the interval around it, the values it is the mean of, and what the interval is over."""

    mean: float
    interval: Interval
    values: tuple[float, ...]
    over: str  # "seeds" or "clips"

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves 0 out, else 0.

        >>> Value(0.2, (0.1, 0.3), (0.2,), "clips").sign, Value(0.2, (-0.1, 0.5), (0.2,), "clips").sign
        (1, 0)
        """
        low, high = self.interval
        return (low > 0) - (high < 0)


class Ledger:
    """All kept numbers of the motion task's models, and of the other sets as they are."""

    def __init__(self, told: Told, sealed: Told | None = None) -> None:
        self.told, self.sealed = told, sealed or {}
        self.clips = told["settings"]["clips"]

    def names(self, budget: str) -> list[str]:
        """Arms of a budget, most accurate first."""
        names = [key.partition("/")[2] for key in self.told["motion"] if key.startswith(budget + "/")]
        return sorted(names, key=lambda name: -self.accuracy(budget, name).mean)

    def has(self, budget: str, *names: str) -> bool:
        """Whether all of these arms are there."""
        return all(f"{budget}/{name}" in self.told["motion"] for name in names)

    def models(self, budget: str, name: str) -> list[Told]:
        """An arm's models in the order of their seeds."""
        return sorted(self.told["motion"][f"{budget}/{name}"].values(), key=lambda model: model["seed"])

    def seeds(self, budget: str, name: str) -> int:
        """How many seeds an arm has."""
        return len(self.told["motion"].get(f"{budget}/{name}", ()))

    def each(self, budget: str, name: str, of: Callable[[Told], float]) -> tuple[float, ...]:
        """Something of every model of an arm."""
        return tuple(of(model) for model in self.models(budget, name))

    def mean(self, budget: str, name: str, of: Callable[[Told], float]) -> float:
        """Its mean over seeds."""
        return plain.fmean(self.each(budget, name, of))

    def accuracy(self, budget: str, name: str) -> Value:
        """Accuracy of an arm on the fresh clips."""
        found = self.each(budget, name, lambda model: model["accuracy"])
        mean = plain.fmean(found)
        if len(found) >= FEWEST:
            return Value(mean, mean_interval(found), found, "seeds")
        return Value(mean, share_interval(mean, self.clips), found, "clips")

    def gap(self, budget: str, one: str, other: str) -> Value:
        """Accuracy of one arm less that of another: seed by seed, or clip by clip where there is only seed 0."""
        pairs = [(a, b) for a in self.models(budget, one) for b in self.models(budget, other) if a["seed"] == b["seed"]]
        gaps = tuple(a["accuracy"] - b["accuracy"] for a, b in pairs)
        if len(gaps) >= FEWEST:
            return Value(plain.fmean(gaps), mean_interval(gaps), gaps, "seeds")
        a, b = pairs[0]
        return Value(gaps[0], paired_interval(unpack_bits(a["right"]), unpack_bits(b["right"])), gaps[:1], "clips")


def layer_mean(model: Told, measure: str) -> float | None:
    """A measure of the maps, mean over layers; None where a layer has none."""
    found = [layer.get(measure) for layer in model["layers"]]
    return None if None in found else plain.fmean(found)


def crossing_step(curve: list[list[float]], level: float) -> float | None:
    """The step at which a curve first reaches a level, on the line between two of its rows; None where it never does.

    >>> crossing_step([[50, 0.1], [100, 0.3]], 0.2), crossing_step([[50, 0.1]], 0.2)
    (75.0, None)
    """
    before = [0.0, 0.0]
    for step, height in curve:
        if height >= level:
            return before[0] + (step - before[0]) * (level - before[1]) / (height - before[1])
        before = [step, height]
    return None
