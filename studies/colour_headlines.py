"""The sentences at the head of COLOUR.md: each follows from the runs that exist, and says no more than its interval."""
from __future__ import annotations

import statistics as plain

from .colour_predictions import FLOOR, GATE, HYBRID, LONG, RELU, SET, SOFT, score_mean
from .colour_runs import ColourRuns, gap_score_text, has_measure, layers_mean
from .interval_statistics import rank_correlation
from .ledger import FEWEST, Value
from .number_formats import arm_label

NEAR = 0.05     # R2: two variants nearer than this are called "about equal" where there is no interval yet


def colour_headlines(runs: ColourRuns) -> list[str]:
    """The sentences whose runs exist, in the order of the page."""
    both = (SOFT, FLOOR)
    asked = ((lead_sentence, both), (relu_sentence, (SOFT, RELU)), (gate_sentence, (GATE, FLOOR)),
             (measure_sentence, both), (hybrid_sentence, (HYBRID, *both)), (grey_sentence, both),
             (memory_sentence, both))
    found = [sentence(runs) for sentence, names in asked if runs.has(SET, *names)]
    return found + ([later_sentence(runs)] if runs.has(LONG, SOFT, FLOOR) else [])


def compared_words(gap: Value, one: str, other: str, noun: str = "score") -> str:
    """How two variants compare, no stronger than the interval of their difference.

    >>> compared_words(Value(0.2, (0.1, 0.3), (0.1, 0.2, 0.3), "seeds"), "softmax", "relu")
    'softmax has a higher score than relu'
    >>> compared_words(Value(0.01, (-0.1, 0.1), (0.0, 0.01, 0.02), "seeds"), "softmax", "relu")
    'softmax cannot be told apart from relu'
    """
    if len(gap.values) >= FEWEST:
        if not gap.sign:
            return f"{one} cannot be told apart from {other}"
        return f"{one} has a {'higher' if gap.sign > 0 else 'lower'} {noun} than {other}"
    if abs(gap.mean) < NEAR:
        return f"{one} is about equal to {other} so far"
    return f"{one} has a {'higher' if gap.mean > 0 else 'lower'} {noun} than {other} so far"


def gap_sentence(runs: ColourRuns, which: str, one: str, other: str) -> str:
    """Two variants compared, with the difference of their scores and the number of seeds."""
    gap = runs.gap(which, one, other)
    return (f"{compared_words(gap, arm_label(one), arm_label(other))} "
            f"({gap_score_text(gap)}, {seed_words(len(gap.values))})")


def seed_words(count: int) -> str:
    """A number of seeds in words."""
    return f"{count} seed{'s' * (count != 1)}"


def lead_sentence(runs: ColourRuns) -> str:
    """Softmax beside the baseline."""
    return f"After 800 steps, {gap_sentence(runs, SET, SOFT, FLOOR)}."


def relu_sentence(runs: ColourRuns) -> str:
    """Softmax beside relu without a floor, which was its equal in the motion task."""
    said = gap_sentence(runs, SET, SOFT, RELU)
    return f"Without the floor too, {said}. In the motion task these two cannot be told apart."


def gate_sentence(runs: ColourRuns) -> str:
    """What the gate does to the rows, and what to the score."""
    flat, gated = (runs.value(SET, name, layers_mean("entropy")).mean for name in (FLOOR, GATE))
    rows = "more" if gated < flat else "no more"
    return (f"The gate's rows are {rows} concentrated (mean entropy {gated:.2f} of its maximum, floor {flat:.2f}); in "
            f"score, {gap_sentence(runs, SET, GATE, FLOOR)}.")


def measure_sentence(runs: ColourRuns) -> str:
    """How the score goes with effective rank, row diversity and entropy over the variants that have all three."""
    measures = {"effective rank": "effective_rank", "row diversity": "diversity", "entropy": "entropy"}
    names = [name for name, own in runs.arms[SET].items() if all(has_measure(own, of) for of in measures.values())]
    if len(names) < 5:
        return "Too few variants have runs to say which measure of maps goes with the score."
    scores = [score_mean(runs, name) for name in names]
    columns = {word: [runs.value(SET, name, layers_mean(of)).mean for name in names] for word, of in measures.items()}
    numbers = ", ".join(f"{word} {rank_correlation(column, scores):+.2f}" for word, column in columns.items()
                        if len(set(column)) > 1)
    return (f"Over {len(names)} variants the score goes with these measures (Spearman's correlation): {numbers}. "
            "Variants are few and the measures go together: this says what accompanies the score, not what causes it.")


def hybrid_sentence(runs: ColourRuns) -> str:
    """One softmax layer between two layers of the baseline."""
    return (f"With softmax in the middle layer only, {gap_sentence(runs, SET, HYBRID, SOFT)}, and "
            f"{gap_sentence(runs, SET, HYBRID, FLOOR)}. [LAYERS.md](LAYERS.md) has all eight patterns.")


def grey_sentence(runs: ColourRuns) -> str:
    """What is left of the score in true colours when the grey picture is blanked."""
    def mean(name: str, key: str) -> float:
        return plain.fmean(record[key] for record in runs.arms[SET][name])

    return ("Both look at the photograph: with the grey picture blanked, R2 in true colours falls from "
            f"{mean(SOFT, 'natural_all'):.2f} to {mean(SOFT, 'blank'):.2f} for softmax and from "
            f"{mean(FLOOR, 'natural_all'):.2f} to {mean(FLOOR, 'blank'):.2f} for the floor.")


def memory_sentence(runs: ColourRuns) -> str:
    """Whether anything was memorised, over all variants."""
    ahead = max(runs.value(SET, name, lambda record: record["train"] - record["test_r2"]).mean
                for name in runs.arms[SET])
    said = "No variant is better" if ahead <= 0 else f"No variant is better by more than {ahead:.3f}"
    return f"{said} on the photographs that it learned from than on held-out ones."


def later_sentence(runs: ColourRuns) -> str:
    """The lead of softmax after three times as many steps."""
    return f"After 2,400 steps, {gap_sentence(runs, LONG, SOFT, FLOOR)}."
