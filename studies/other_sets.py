"""Tables of the other sets: dose, the second task, the finer models and the sealed split."""
from __future__ import annotations

import math
import re
import statistics as plain
from collections.abc import Sequence
from pathlib import Path

from .dose_predictions import Answer, Run
from .interval_statistics import mean_interval, share_interval
from .ledger import Ledger, Record, Value
from .number_formats import accuracy_text, arm_label, markdown_table, number_text, percent_text

FULL = 0.25  # the floor of relu_floor with 16 channels per head
NOT_RUN = ("Not run yet: {there} of {wanted} runs exist. `python3 start.py study sets {which}` runs the others; "
           "then write this page again.")


def missing_runs(book: Ledger, which: str) -> str:
    """A sentence if runs of a set are missing, else nothing."""
    there, wanted = len(book.records[which]), book.records["wanted"][which]
    return NOT_RUN.format(there=there, wanted=wanted, which=which) if there < wanted else ""


def recorded_mean(record: Record, measure: str) -> float | None:
    """A recorded measure, mean over layers; None if a layer lacks it."""
    found = [layer.get(measure) for layer in record["recorded_layers"]]
    return None if None in found else plain.fmean(found)


def dose_runs(book: Ledger) -> list[Run]:
    """Every run of the dose: the middle doses, and both ends from the short set; accuracies as recorded."""
    ends = [(floor, m) for name, floor in (("relu", 0.0), ("relu_floor", FULL)) if book.has("short", name)
            for m in book.models("short", name)]
    runs = [*ends, *((record["options"]["floor"], record) for record in book.records["dose"])]
    return sorted((Run(floor, record["seed"], record["recorded"], recorded_mean(record, "entropy") or math.nan)
                   for floor, record in runs), key=lambda run: (run.floor, run.seed))


def dose_table(book: Ledger) -> str:
    """A row for every dose."""
    runs, rows = dose_runs(book), []
    for floor in sorted({run.floor for run in runs}):
        of = [run for run in runs if run.floor == floor]
        rows.append([f"{floor:g}", accuracy_text(seed_value([run.accuracy for run in of])),
                     ", ".join(f"{100 * run.accuracy:.1f}" for run in of),
                     number_text(plain.fmean(r.entropy for r in of))])
    return markdown_table(("floor", "accuracy, 95 % interval over seeds", "each seed", "entropy / log2 N"), rows)


def verdict_table(page: str, answers: Sequence[Answer]) -> str:
    """The numbered predictions of a page, and whether each came true."""
    text = Path(__file__).with_name(page).read_text("utf-8")
    predicted = re.findall(r"^\d+\. (.+?)(?=\n\d+\.|\n\n|\Z)", text, re.S | re.M)
    rows = [[f"{n}. {' '.join(words.split())}", answer.verdict, answer.numbers]
            for n, (words, answer) in enumerate(zip(predicted, answers, strict=True), 1)]
    return markdown_table(("predicted before the runs", "came true", "numbers"), rows)


def seed_value(values: Sequence[float]) -> Value:
    """A mean with its interval over seeds."""
    return Value(plain.fmean(values), mean_interval(values) if len(values) > 1 else share_interval(values[0], 1024),
                 tuple(values), "seeds" if len(values) > 1 else "clips")


def group_by_name(results: list[Record]) -> dict[str, list[Record]]:
    """The results of every arm."""
    out: dict[str, list[Record]] = {}
    for record in results:
        out.setdefault(record["name"], []).append(record)
    return out


def rank_arms(results: list[Record]) -> list[tuple[str, list[Record]]]:
    """The results of every arm, the most accurate arm first."""
    return sorted(group_by_name(results).items(),
                  key=lambda pair: -plain.fmean(record["recorded"] for record in pair[1]))


def front_table(book: Ledger) -> str:
    """The second task, where a guess is right in half of the clips."""
    rows = [[arm_label(name), accuracy_text(seed_value([t["recorded"] for t in of])),
             ", ".join(f"{100 * t['recorded']:.1f}" for t in of), f"{seeds_that_learned(of)} of {len(of)}"]
            for name, of in rank_arms(book.records["front"])]
    head = ("attention", "accuracy, 95 % interval over seeds", "each seed", "seeds above a guess")
    return markdown_table(head, rows)


def front_accuracy(book: Ledger, name: str) -> float:
    """The mean accuracy of an arm on the second task."""
    return plain.fmean(record["recorded"] for record in group_by_name(book.records["front"])[name])


def seeds_that_learned(of: list[Record]) -> int:
    """How many seeds of an arm are above a guess: their interval over clips lies above one half."""
    return sum(share_interval(record["recorded"], record["tests"])[0] > 0.5 for record in of)


def fine_table(book: Ledger) -> str:
    """The finer models: accuracy as recorded, and their maps."""
    rows = [[arm_label(t["name"]),
             accuracy_text(Value(t["recorded"], share_interval(t["recorded"], t["tests"]), (), "clips")),
             *(number_text(recorded_mean(t, key)) for key in ("entropy", "object", "effective_rank")),
             f"{t['seconds'] / 60:.0f}"] for t in sorted(book.records["fine"], key=lambda record: -record["recorded"])]
    head = ("attention", "accuracy, 95 % interval over clips", "entropy / log2 N", "weight on the digit (flat row: 1)",
            "effective rank", "minutes of training")
    return markdown_table(head, rows)


def sealed_table(book: Ledger) -> str:
    """Accuracies on the sealed split."""
    rows = []
    for budget in ("short", "long"):
        for name in book.names(budget):
            found = [book.sealed["accuracy"][f"{budget}/{name}/{seed}"] for seed in range(book.seeds(budget, name))
                     if f"{budget}/{name}/{seed}" in book.sealed["accuracy"]]
            if found:
                rows.append([arm_label(name), "800" if budget == "short" else "2,400", accuracy_text(seed_value(found)),
                             percent_text(book.accuracy(budget, name).mean)])
    return markdown_table(("attention", "steps", "sealed, 95 % interval", "test"), rows)
