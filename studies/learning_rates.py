"""Three learning rates: every difference at each arm's best rate beside the common rate, and RATES.md's predictions.

An arm's best rate is the one at which it is most accurate on the last 1,600 training clips, mean over seeds. Only seeds
are used of which every arm has a run at every rate, so the numbers are comparable while some runs are still missing.
How each prediction is counted was written here while the first runs went on, and was not changed afterwards.
"""
from __future__ import annotations

import math
import statistics as plain
from collections.abc import Sequence

from linviz.models.arms import MAIN
from linviz.models.recipe import RATES, Recipe

from .accuracy_tables import PAIRS
from .dose_predictions import Answer
from .interval_statistics import mean_interval
from .ledger import FEWEST, Ledger, Record, Value
from .more_seeds import FLOOR, GATE, RELU, SOFT, WIDE
from .number_formats import arm_label, difference_text, markdown_table, percent_text, points_text, word_list

COMMON = Recipe.rate
COMPARED = tuple((one, other) for one, other, _ in PAIRS if {one, other} <= set(MAIN))


def rate_runs(book: Ledger) -> dict[tuple[str, float], dict[int, Record]]:
    """The runs by arm and rate, and then by seed."""
    out: dict[tuple[str, float], dict[int, Record]] = {(name, rate): {} for name in MAIN for rate in RATES}
    for record in book.records["rates"]:
        out[record["name"].partition("~rate=")[0], record["rate"]][record["seed"]] = record
    return out


def compared_seeds(book: Ledger) -> list[int]:
    """The seeds of which all arms have a run at all rates."""
    return sorted(set.intersection(*map(set, rate_runs(book).values())))


def best_rate(book: Ledger, name: str) -> float:
    """The rate at which an arm is most accurate on its last training clips, mean over the compared seeds."""
    runs, seeds = rate_runs(book), compared_seeds(book)
    return max(RATES, key=lambda rate: plain.fmean(runs[name, rate][seed]["training_accuracy"] for seed in seeds))


def seed_accuracies(book: Ledger, name: str, rate: float) -> list[float]:
    """The held-out accuracies of an arm at a rate, seed by seed."""
    own = rate_runs(book)[name, rate]
    return [own[seed]["recorded"] for seed in compared_seeds(book)]


def rate_mean(book: Ledger, name: str, rate: float) -> float:
    """The mean held-out accuracy of an arm at a rate."""
    return plain.fmean(seed_accuracies(book, name, rate))


def rate_gap(book: Ledger, one: str, other: str, best: bool = True) -> Value:
    """Accuracy of one arm minus that of another, seed by seed: each at its best rate, or both at the common rate."""
    a, b = (seed_accuracies(book, name, best_rate(book, name) if best else COMMON) for name in (one, other))
    gaps = tuple(x - y for x, y in zip(a, b))
    return Value(plain.fmean(gaps), seed_interval(gaps), gaps, "seeds")


def seed_interval(gaps: Sequence[float]) -> tuple[float, float]:
    """The interval of a mean over seeds; everything is possible where there are too few seeds.

    >>> seed_interval([0.1, 0.2])
    (-inf, inf)
    """
    return mean_interval(gaps) if len(gaps) >= FEWEST else (-math.inf, math.inf)


def gap_text(value: Value) -> str:
    """A difference in points, with its interval where there are enough seeds."""
    return difference_text(value) if len(value.values) >= FEWEST else points_text(value.mean)


def rate_table(book: Ledger) -> str:
    """One row per arm: its mean accuracy at every rate, and its best rate with each seed."""
    rows = []
    for name in MAIN:
        best = best_rate(book, name)
        means = [percent_text(rate_mean(book, name, rate)) for rate in RATES]
        rows.append([arm_label(name), *means, f"{best:g}", seeds_text(seed_accuracies(book, name, best), "{:.1f}")])
    return markdown_table(("attention", *(f"at {rate:g}" for rate in RATES), "best rate", "each seed at it"), rows)


def rate_differences(book: Ledger) -> str:
    """One row per difference: at the common rate, and with both arms at their best rates."""
    rows = []
    for one, other in COMPARED:
        best = rate_gap(book, one, other)
        rows.append([f"{arm_label(one)} minus {arm_label(other)}", gap_text(rate_gap(book, one, other, best=False)),
                     gap_text(best), f"{best_rate(book, one):g} and {best_rate(book, other):g}",
                     seeds_text(best.values, "{:+.1f}")])
    return markdown_table(("difference", f"both at {COMMON:g}", "each at its best rate", "best rates",
                           "each seed at its best rate"), rows)


def seeds_text(values: Sequence[float], form: str) -> str:
    """Shares as per cent, seed by seed.

    >>> seeds_text([0.5, 0.25], "{:.1f}")
    '50.0, 25.0'
    """
    return ", ".join(form.format(100 * x) for x in values)


def arms_at_edges(book: Ledger) -> list[str]:
    """The arms whose best rate is the lowest or the highest of all, so that a rate beyond it may be better still."""
    return [arm_label(name) for name in MAIN if best_rate(book, name) in (min(RATES), max(RATES))]


def changed_verdicts(book: Ledger) -> list[str]:
    """The differences whose interval lies on another side of 0 at the best rates than at the common rate."""
    return [f"{arm_label(one)} minus {arm_label(other)}" for one, other in COMPARED
            if rate_gap(book, one, other).sign != rate_gap(book, one, other, best=False).sign]


def rate_answers(book: Ledger) -> list[Answer]:
    """The answers to all seven predictions, in the order of RATES.md."""
    best = {name: best_rate(book, name) for name in MAIN}
    common = sum(rate == COMMON for rate in best.values())
    better = [name for name in MAIN if rate_mean(book, name, min(RATES)) > rate_mean(book, name, COMMON)]
    lead, early = gap_means(book, SOFT, FLOOR)
    gate, gate_early = gap_means(book, GATE, FLOOR)
    wide, wide_early = gap_means(book, GATE, WIDE)
    level, ahead, control = (gap_means(book, *pair)[0] for pair in ((RELU, SOFT), (RELU, GATE), (WIDE, FLOOR)))
    return [
        Answer(common == 0, f"{common} of {len(MAIN)} variants"),
        Answer(not better, f"more accurate: {word_list(map(arm_label, better))}"),
        Answer(0.2 < lead < early, f"{points_text(lead)} and {points_text(early)} points"),
        Answer(abs(level) < 0.05, f"{points_text(level)} points"),
        Answer(0 < gate < gate_early and 0 < wide < wide_early,
               f"{points_text(gate)} and {points_text(gate_early)} points; control {points_text(wide)} and "
               f"{points_text(wide_early)}"),
        Answer(ahead > 0, f"{points_text(ahead)} points"),
        Answer(abs(control) < 0.1, f"{points_text(control)} points")]


def gap_means(book: Ledger, one: str, other: str) -> tuple[float, float]:
    """The mean difference of two arms at their best rates, and at the common rate."""
    return rate_gap(book, one, other).mean, rate_gap(book, one, other, best=False).mean
