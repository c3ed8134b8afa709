"""The runs of the colour task: R2 by set and arm, differences between arms, and what is known of their maps.

Every number is for the seeds that exist; tables say how many those are. Differences are taken seed by seed.
"""
from __future__ import annotations

import json
import statistics as plain
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from linviz.models.arms import COLOUR_SETS

from .colour_sealed import read_sealed
from .evidence_store import RESULTS
from .learning_rates import seed_interval
from .ledger import FEWEST, Record, Value

BASELINES = RESULTS / "colour_baselines.json"
Measure = Callable[[Record], float]


class ColourRuns:
    """All results of the sets in COLOUR_SETS. records: by set; baselines: R2 of what is made by hand; sealed: what
    `colour_sealed` has found on the sealed photographs, if they were opened.
    """

    def __init__(self, records: dict[str, list[Record]], baselines: dict[str, Any],
                 sealed: dict[str, Any] | None = None) -> None:
        self.records, self.baselines, self.sealed = records, baselines, sealed or {}

    @classmethod
    def read(cls) -> ColourRuns:
        """The results in studies/results."""
        records = {which: [json.loads(path.read_text()) for path in sorted((RESULTS / which).glob("*.json"))]
                   for which in COLOUR_SETS}
        return cls(records, json.loads(BASELINES.read_text()) if BASELINES.exists() else {}, read_sealed())

    @cached_property
    def arms(self) -> dict[str, dict[str, list[Record]]]:
        """The runs by set and arm, in the order of seeds."""
        found: dict[str, dict[str, list[Record]]] = {which: {} for which in self.records}
        for which, records in self.records.items():
            for record in sorted(records, key=lambda record: record["seed"]):
                found[which].setdefault(record["name"], []).append(record)
        return found

    def has(self, which: str, *names: str) -> bool:
        """Whether a set has at least one run of all these arms."""
        return all(name in self.arms[which] for name in names)

    def value(self, which: str, name: str, of: Measure | None = None) -> Value:
        """The mean of a number over the seeds of an arm; by default of R2."""
        found = tuple(map(of or held_out_score, self.arms[which][name]))
        return Value(plain.fmean(found), seed_interval(found), found, "seeds")

    def gap(self, which: str, one: str, other: str) -> Value:
        """R2 of one arm minus that of another, over the seeds that both have."""
        a, b = ({record["seed"]: held_out_score(record) for record in self.arms[which][name]} for name in (one, other))
        gaps = tuple(a[seed] - b[seed] for seed in sorted(a.keys() & b.keys()))
        return Value(plain.fmean(gaps), seed_interval(gaps), gaps, "seeds")

    def ranked(self, which: str) -> list[str]:
        """The arms of a set, best first."""
        return sorted(self.arms[which], key=lambda name: -self.value(which, name).mean)

    def counts(self, which: str) -> tuple[int, int]:
        """How many runs of a set exist, and how many belong to it."""
        arms, seeds, *_ = COLOUR_SETS[which]
        return len(self.records[which]), len(arms) * seeds

    def seed_count(self, which: str) -> tuple[int, int]:
        """The fewest and the most seeds that an arm of a set has; 0 for an arm without any."""
        have = [len(self.arms[which].get(name, ())) for name in COLOUR_SETS[which][0]]
        return min(have), max(have)


def held_out_score(record: Record) -> float:
    """R2 on the held-out windows."""
    return float(record["test_r2"])


def layers_mean(measure: str) -> Measure:
    """A measure of the maps, mean over layers."""
    return lambda record: plain.fmean(layer[measure] for layer in record["layers"])


def has_measure(records: Sequence[Record], measure: str) -> bool:
    """Whether every layer of these runs has a measure; signed maps have no entropy."""
    return all(measure in layer for record in records for layer in record["layers"])


def score_text(value: Value) -> str:
    """A score with its interval, where there are enough seeds for one.

    >>> score_text(Value(0.5, (0.4, 0.6), (0.45, 0.5, 0.55), "seeds")), score_text(Value(0.5, (0, 1), (0.5,), "seeds"))
    ('0.500 [0.400, 0.600]', '0.500')
    """
    return number_with_interval(value, "{:.3f}")


def gap_score_text(value: Value) -> str:
    """A difference of scores with its sign, and its interval where there are enough seeds."""
    return number_with_interval(value, "{:+.3f}")


def number_with_interval(value: Value, form: str) -> str:
    """A number in a form, and its interval where there are enough seeds."""
    text = form.format(value.mean)
    if len(value.values) < FEWEST:
        return text
    low, high = value.interval
    return f"{text} [{form.format(low)}, {form.format(high)}]"
