"""More seeds: the gate's control after 800 steps, the main arms after 2,400, and what studies/SEEDS.md predicted.

The control has as many numbers as the gate, spent on wider MLPs of the baseline with a floor. Accuracies here are those
that the runs recorded, on the clips of seed 1. The predictions were committed before the runs; how each is turned into
a number was written here while the first of them went on, and not changed afterwards.
"""
from __future__ import annotations

import statistics as plain

from .dose import Answer
from .ledger import Ledger, Told, Value
from .others import best_first, by_name, learned, missing, over_seeds
from .stats import of_mean
from .words import called, gap, points, share, table, within

SOFT, RELU, FLOOR, GATE, BOTH = "softmax", "relu", "relu_floor", "relu_floor+gate", "relu_floor+gate+shift"
WIDE = "relu_floor~wide"
LIST: dict[str, tuple[tuple[str, str], ...]] = {
    "control": ((GATE, WIDE), (WIDE, FLOOR), (GATE, FLOOR)),
    "late": ((SOFT, FLOOR), (SOFT, RELU), (RELU, FLOOR), (GATE, FLOOR), (RELU, GATE), (BOTH, GATE), (SOFT, GATE),
             (GATE, WIDE), (WIDE, FLOOR))}


def runs(book: Ledger, which: str) -> dict[str, list[Told]]:
    """The runs of a set by arm, in the order of seeds; the control's other two arms are those of the short set."""
    found = by_name(book.told[which])
    if which == "control":
        found |= {name: book.models("short", name) for name in (GATE, FLOOR)}
    return {name: sorted(of, key=lambda told: told["seed"]) for name, of in found.items()}


def between(book: Ledger, which: str, one: str, other: str) -> Value:
    """Accuracy of one arm less that of another, seed by seed."""
    a, b = ({told["seed"]: told["recorded"] for told in runs(book, which)[name]} for name in (one, other))
    gaps = tuple(a[seed] - b[seed] for seed in a if seed in b)
    return Value(plain.fmean(gaps), of_mean(gaps), gaps, "seeds")


def lead(book: Ledger) -> Value:
    """Softmax less the baseline after 2,400 steps: seed by seed, or clip by clip while there is one seed."""
    return book.gap("long", SOFT, FLOOR) if missing(book, "late") else between(book, "late", SOFT, FLOOR)


def tables(book: Ledger, which: str) -> str:
    """A row an arm with each of its seeds, and a row a difference."""
    arms = best_first([told | {"name": name} for name, of in runs(book, which).items() for told in of])
    rows = [[called(name), f"{of[0]['parameters']:,}", share(over_seeds([told["recorded"] for told in of])),
             ", ".join(f"{100 * told['recorded']:.1f}" for told in of)] for name, of in arms]
    gaps = [(one, other, between(book, which, one, other)) for one, other in LIST[which]]
    asked = [[f"{called(one)} minus {called(other)}", gap(value), ", ".join(map(points, value.values))]
             for one, other, value in gaps]
    return "\n\n".join([table(("attention", "parameters", "accuracy, 95 % interval over seeds", "each seed"), rows),
                        table(("difference", "points, 95 % interval over seeds", "each seed"), asked)])


def answers(book: Ledger) -> list[Answer]:
    """All four, in the order of SEEDS.md."""
    lead, early = between(book, "late", SOFT, FLOOR), book.gap("short", SOFT, FLOOR)
    gate, wide = between(book, "late", GATE, WIDE), between(book, "late", WIDE, FLOOR)
    level = between(book, "late", RELU, SOFT)
    return [
        Answer(0 < lead.mean < early.mean / 2, f"{points(lead.mean)} and {points(early.mean)} points"),
        Answer(gate.mean > 0 and abs(wide.mean) < 0.07, f"{points(gate.mean)} and {points(wide.mean)} points"),
        Answer(abs(level.mean) < 0.02, f"{points(level.mean)} points {within(level.interval, signed=True)}"),
        second_task(book)]


def second_task(book: Ledger) -> Answer:
    """On the second task the floor stays at a guess in most seeds but not in all; softmax, relu and the gate never."""
    found = runs(book, "front")
    stuck = {name: len(found[name]) - learned(found[name]) for name in (FLOOR, SOFT, RELU, GATE)}
    true = len(found[FLOOR]) / 2 < stuck[FLOOR] < len(found[FLOOR]) and not any(
        count for name, count in stuck.items() if name != FLOOR)
    return Answer(true, "at a guess: " + ", ".join(f"{called(name)} {count} of {len(found[name])}"
                                                   for name, count in stuck.items()))
