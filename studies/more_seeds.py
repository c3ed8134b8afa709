"""More seeds: the gate's control after 800 steps, the main arms after 2,400 steps, and the predictions of SEEDS.md.

The control has as many parameters as the gate, in wider MLPs of the baseline with a floor. The accuracies here were
recorded by the runs, on the clips of seed 1. The predictions were committed before the runs. How each is counted was
written here while the first runs went on, and was not changed afterwards.
"""
from __future__ import annotations

import statistics as plain

from .dose_predictions import Answer
from .interval_statistics import mean_interval
from .ledger import Ledger, Record, Value
from .number_formats import accuracy_text, arm_label, difference_text, interval_text, markdown_table, points_text
from .other_sets import group_by_name, missing_runs, rank_arms, seed_value, seeds_that_learned

SOFT, RELU, FLOOR, GATE, BOTH = "softmax", "relu", "relu_floor", "relu_floor+gate", "relu_floor+gate+shift"
WIDE = "relu_floor~wide"
PAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "control": ((GATE, WIDE), (WIDE, FLOOR), (GATE, FLOOR)),
    "late": ((SOFT, FLOOR), (SOFT, RELU), (RELU, FLOOR), (GATE, FLOOR), (RELU, GATE), (BOTH, GATE), (SOFT, GATE),
             (GATE, WIDE), (WIDE, FLOOR))}


def set_runs(book: Ledger, which: str) -> dict[str, list[Record]]:
    """The runs of a set by arm, in the order of seeds; the control's other two arms are those of the short set."""
    found = group_by_name(book.records[which])
    if which == "control":
        found |= {name: book.models("short", name) for name in (GATE, FLOOR)}
    return {name: sorted(of, key=lambda record: record["seed"]) for name, of in found.items()}


def seed_difference(book: Ledger, which: str, one: str, other: str) -> Value:
    """Accuracy of one arm minus that of another, seed by seed."""
    a, b = ({record["seed"]: record["recorded"] for record in set_runs(book, which)[name]} for name in (one, other))
    gaps = tuple(a[seed] - b[seed] for seed in a if seed in b)
    return Value(plain.fmean(gaps), mean_interval(gaps), gaps, "seeds")


def softmax_lead(book: Ledger) -> Value:
    """Softmax minus the baseline after 2,400 steps: seed by seed, or clip by clip if there is one seed."""
    return book.gap("long", SOFT, FLOOR) if missing_runs(book, "late") else seed_difference(book, "late", SOFT, FLOOR)


def both_tables(book: Ledger, which: str) -> str:
    """One row per arm with each of its seeds, and one row per difference."""
    arms = rank_arms([record | {"name": name} for name, of in set_runs(book, which).items() for record in of])
    rows = [[arm_label(name), f"{of[0]['parameters']:,}",
             accuracy_text(seed_value([record["recorded"] for record in of])),
             ", ".join(f"{100 * record['recorded']:.1f}" for record in of)] for name, of in arms]
    gaps = [(one, other, seed_difference(book, which, one, other)) for one, other in PAIRS[which]]
    differences = [[f"{arm_label(one)} minus {arm_label(other)}", difference_text(value),
                    ", ".join(map(points_text, value.values))]
                   for one, other, value in gaps]
    return "\n\n".join([markdown_table(("attention", "parameters", "accuracy, 95 % interval over seeds", "each seed"),
                                       rows),
                        markdown_table(("difference", "points, 95 % interval over seeds", "each seed"), differences)])


def seed_answers(book: Ledger) -> list[Answer]:
    """The answers to all four predictions, in the order of SEEDS.md."""
    lead, early = seed_difference(book, "late", SOFT, FLOOR), book.gap("short", SOFT, FLOOR)
    gate, wide = seed_difference(book, "late", GATE, WIDE), seed_difference(book, "late", WIDE, FLOOR)
    level = seed_difference(book, "late", RELU, SOFT)
    return [
        Answer(0 < lead.mean < early.mean / 2, f"{points_text(lead.mean)} and {points_text(early.mean)} points"),
        Answer(gate.mean > 0 and abs(wide.mean) < 0.07,
               f"{points_text(gate.mean)} and {points_text(wide.mean)} points"),
        Answer(abs(level.mean) < 0.02,
               f"{points_text(level.mean)} points {interval_text(level.interval, signed=True)}"),
        front_answer(book)]


def front_answer(book: Ledger) -> Answer:
    """4: on the second task, most seeds with a floor end at a guess but not all; softmax, relu and the gate never."""
    found = set_runs(book, "front")
    stuck = {name: len(found[name]) - seeds_that_learned(found[name]) for name in (FLOOR, SOFT, RELU, GATE)}
    true = len(found[FLOOR]) / 2 < stuck[FLOOR] < len(found[FLOOR]) and not any(
        count for name, count in stuck.items() if name != FLOOR)
    return Answer(true, "at a guess: " + ", ".join(f"{arm_label(name)} {count} of {len(found[name])}"
                                                   for name, count in stuck.items()))
