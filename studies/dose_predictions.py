"""The dose of the floor: studies/DOSE.md makes five predictions, and this module says which came true.

A run has a floor, a recorded held-out accuracy, and the entropy of its rows divided by its maximum (mean over layers).
How each prediction is counted was written before the runs, like the predictions themselves.
"""
from __future__ import annotations

import statistics as plain
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .interval_statistics import bootstrap_interval, rank_correlation

SLACK = 0.03  # by how much a mean may rise in the first prediction


@dataclass(frozen=True)
class Run:
    """One trained model of the dose: its floor, seed, accuracy, and entropy as a share of the maximum."""

    floor: float
    seed: int
    accuracy: float
    entropy: float


@dataclass(frozen=True)
class Answer:
    """Whether a prediction came true, and the numbers that say so; its words stand in DOSE.md, SEEDS.md, ...

    true: None while runs that it is about are missing. final: False while they have fewer seeds than they will have.
    """

    true: bool | None
    numbers: str
    final: bool = True

    @property
    def verdict(self) -> str:
        """The answer as a table prints it.

        >>> Answer(True, "").verdict, Answer(False, "", final=False).verdict, Answer(None, "").verdict
        ('yes', 'no, so far', 'open')
        """
        if self.true is None:
            return "open"
        return ("yes" if self.true else "no") + ("" if self.final else ", so far")


def dose_answers(runs: Sequence[Run]) -> list[Answer]:
    """The answers to all five predictions, in the order of DOSE.md."""
    return [accuracy_falls(runs), correlation_is_low(runs), entropy_rises(runs), middle_dose_costs(runs),
            flat_seeds_not_better(runs)]


def mean_by_dose(runs: Sequence[Run], of: Callable[[Run], float]) -> dict[float, float]:
    """A mean over the seeds of every dose, smallest floor first.

    >>> mean_by_dose([Run(0.1, 0, 0.25, 0.9), Run(0.0, 0, 0.8, 0.6), Run(0.1, 1, 0.75, 0.9)], lambda r: r.accuracy)
    {0.0: 0.8, 0.1: 0.5}
    """
    return {f: plain.fmean(of(r) for r in runs if r.floor == f) for f in sorted({r.floor for r in runs})}


def accuracy_falls(runs: Sequence[Run]) -> Answer:
    """1: from dose to dose the mean accuracy falls, or rises by at most SLACK."""
    means = list(mean_by_dose(runs, lambda r: r.accuracy).values())
    steps = [b - a for a, b in zip(means, means[1:])]
    return Answer(max(steps) <= SLACK, f"means {_number_list(means)}; largest rise {max(steps):+.3f}")


def correlation_is_low(runs: Sequence[Run]) -> Answer:
    """2: over all runs, Spearman's correlation of floor and accuracy is below -0.7."""
    r = rank_correlation([r.floor for r in runs], [r.accuracy for r in runs])
    return Answer(r < -0.7, f"{r:+.2f} over {len(runs)} runs")


def entropy_rises(runs: Sequence[Run]) -> Answer:
    """3: the mean entropy rises from each dose to the next."""
    means = list(mean_by_dose(runs, lambda r: r.entropy).values())
    return Answer(all(b > a for a, b in zip(means, means[1:])), f"means {_number_list(means)}")


def middle_dose_costs(runs: Sequence[Run]) -> Answer:
    """4: the middle dose costs more than a third of what the full floor costs."""
    means = list(mean_by_dose(runs, lambda r: r.accuracy).values())
    half, whole = means[0] - means[len(means) // 2], means[0] - means[-1]
    return Answer(half > whole / 3, f"{half:.3f} of {whole:.3f}")


def flat_seeds_not_better(runs: Sequence[Run]) -> Answer:
    """5: among seeds of one dose, flatter maps do not go with higher accuracy.

    Accuracy and entropy are taken relative to the mean of their dose, so differences between doses do not count. The
    prediction is that their correlation over all runs is not above 0.
    """
    accuracy, entropy = mean_by_dose(runs, lambda r: r.accuracy), mean_by_dose(runs, lambda r: r.entropy)
    columns = [[r.entropy - entropy[r.floor] for r in runs], [r.accuracy - accuracy[r.floor] for r in runs]]
    r, (low, high) = rank_correlation(*columns), bootstrap_interval(columns, rank_correlation)
    return Answer(r <= 0, f"correlation within doses {r:+.2f} [{low:+.2f}, {high:+.2f}]")


def _number_list(means: Sequence[float]) -> str:
    return ", ".join(f"{x:.3f}" for x in means)
