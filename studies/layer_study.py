"""Which layer needs softmax? `python3 start.py study layers` writes LAYERS.md and its data from the runs that exist.

    python3 start.py study sets layers_motion layers_colour    train the runs
    studies/results/layers_motion/, layers_colour/             the result of every run
    linviz/evidence_data/layers.json                           the scores of all seeds; chapter 15 reads them
    studies/LAYERS_PREDICTIONS.md                              what was predicted before the runs
"""
from __future__ import annotations

import argparse
import json
import re
import statistics as plain
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import linviz.evidence as product
from linviz.atomic_write import write_atomically
from linviz.models.arms import LAYERS

from .colour_runs import score_text
from .dose_predictions import Answer
from .evidence_store import RESULTS
from .learning_rates import seed_interval
from .ledger import FEWEST, Record, Value
from .number_formats import accuracy_text, markdown_table, percent_text
from .page_templates import render_page
from .product_data import write_data

PAGE, PREDICTIONS = (Path(__file__).with_name(f"{name}.md") for name in ("LAYERS", "LAYERS_PREDICTIONS"))
MOTION, COLOUR = "layers_motion", "layers_colour"
SCORES = {MOTION: "test_accuracy", COLOUR: "test_r2"}
SEEDS = 5
LETTERS = {"softmax": "S", "relu_floor": "F"}


def main(arguments: list[str] | None = None) -> None:
    """Write the page and the data."""
    parser = argparse.ArgumentParser(prog="start.py study layers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args(arguments)
    runs = LayerRuns.read()
    write_atomically(PAGE, layer_page(runs))
    write_data(layer_data(runs), product.LAYERS)
    print(f"{PAGE.name} and linviz/evidence_data/{product.LAYERS} are written")


def pattern_letters(name: str) -> str:
    """The layers of a model as letters, from the first to the last.

    >>> pattern_letters("softmax"), pattern_letters("relu_floor/softmax/relu_floor")
    ('S-S-S', 'F-S-F')
    """
    layers = name.split("/")
    return "-".join(LETTERS[layer] for layer in (layers if len(layers) == 3 else 3 * layers))


PATTERNS = tuple(map(pattern_letters, LAYERS))
SINGLE = tuple(p for p in PATTERNS if p.count("S") == 1)
DOUBLE = tuple(p for p in PATTERNS if p.count("S") == 2)


class LayerRuns:
    """The scores by task and pattern. scores: task -> pattern -> seed -> held-out accuracy or R2."""

    def __init__(self, records: dict[str, Iterable[Record]]) -> None:
        self.scores: dict[str, dict[str, dict[int, float]]] = {task: {} for task in SCORES}
        for task, found in records.items():
            for record in sorted(found, key=lambda record: int(record["seed"])):
                of = self.scores[task].setdefault(pattern_letters(record["name"]), {})
                of[int(record["seed"])] = float(record[SCORES[task]])

    @classmethod
    def read(cls) -> LayerRuns:
        """The results in studies/results."""
        return cls({task: [json.loads(path.read_text()) for path in (RESULTS / task).glob("*.json")]
                    for task in SCORES})

    def value(self, task: str, pattern: str) -> Value:
        """The mean score of a pattern, over the seeds that exist."""
        found = tuple(self.scores[task][pattern].values())
        return Value(plain.fmean(found), seed_interval(found), found, "seeds")

    def mean(self, task: str, pattern: str) -> float:
        """The mean score of a pattern."""
        return self.value(task, pattern).mean

    def gap(self, task: str, one: str, other: str) -> Value:
        """The score of one pattern minus that of another, over the seeds that both have."""
        a, b = self.scores[task][one], self.scores[task][other]
        gaps = tuple(a[seed] - b[seed] for seed in sorted(a.keys() & b.keys()))
        return Value(plain.fmean(gaps), seed_interval(gaps), gaps, "seeds")

    def fewest(self, task: str, patterns: Iterable[str] = PATTERNS) -> int:
        """The fewest seeds that one of these patterns has."""
        return min(len(self.scores[task].get(pattern, ())) for pattern in patterns)

    def best(self, task: str, patterns: Iterable[str]) -> str:
        """The pattern with the highest mean."""
        return max(patterns, key=lambda pattern: self.mean(task, pattern))


def layer_data(runs: LayerRuns) -> dict[str, Any]:
    """What the product's file holds: task -> name of the three layers -> the scores in the order of the seeds."""
    return {task.partition("_")[2]: {name: list(runs.scores[task].get(pattern, {}).values())
                                     for name, pattern in zip(LAYERS, PATTERNS)} for task in SCORES}


def layer_page(runs: LayerRuns) -> str:
    """The page from the runs that exist; any number of them makes a page."""
    return render_page("layers", runs=runs, seeds=SEEDS, fewest={task: runs.fewest(task) for task in SCORES},
                       table=pattern_table(runs), gaps=gap_rows(runs), predictions=prediction_rows(runs))


def pattern_table(runs: LayerRuns) -> str:
    """One row per pattern: both scores with their intervals and each seed."""
    rows = [[pattern, cell(runs, MOTION, pattern, accuracy_text), seed_list(runs, MOTION, pattern, 100, 1),
             cell(runs, COLOUR, pattern, score_text), seed_list(runs, COLOUR, pattern, 1, 3)] for pattern in PATTERNS]
    return markdown_table(("layers 1-2-3", "motion: accuracy", "each seed, %", "colour: R2", "each seed"), rows)


def cell(runs: LayerRuns, task: str, pattern: str, text: Callable[[Value], str]) -> str:
    """A mean as text; without an interval where there are too few seeds, and a dash without any."""
    if not runs.fewest(task, [pattern]):
        return "-"
    value = runs.value(task, pattern)
    plainly = percent_text(value.mean) if task == MOTION else f"{value.mean:.3f}"
    return text(value) if len(value.values) >= FEWEST else plainly


def seed_list(runs: LayerRuns, task: str, pattern: str, times: float, digits: int) -> str:
    """The score of every seed."""
    return ", ".join(f"{times * x:.{digits}f}" for x in runs.scores[task].get(pattern, {}).values()) or "-"


def gap_rows(runs: LayerRuns) -> str:
    """One row per pattern but S-S-S: its difference from S-S-S on both tasks, over common seeds."""
    rows = [[pattern, *(gap_cell(runs, task, pattern) for task in SCORES)] for pattern in PATTERNS[1:]]
    return markdown_table(("layers 1-2-3", "motion: points from S-S-S", "colour: R2 from S-S-S"), rows)


def gap_cell(runs: LayerRuns, task: str, pattern: str) -> str:
    """A difference from S-S-S with its interval over seeds."""
    if not runs.fewest(task, [pattern, PATTERNS[0]]):
        return "-"
    gap = runs.gap(task, pattern, PATTERNS[0])
    times, digits = (100, 1) if task == MOTION else (1, 3)
    low, high = (f"{times * x:+.{digits}f}" for x in gap.interval)
    return f"{times * gap.mean:+.{digits}f}" + (f" [{low}, {high}]" if len(gap.values) >= FEWEST else "")


# ---------------------------------------------------------------- predictions


def layer_answers(runs: LayerRuns) -> list[Answer]:
    """An answer to every prediction; open where a pattern that it names has no run."""
    asked: tuple[tuple[str, Callable[[LayerRuns], tuple[bool, str]]], ...] = (
        (COLOUR, middle_is_enough), (COLOUR, any_softmax_helps), (COLOUR, middle_is_best), (COLOUR, none_beats_all),
        (MOTION, all_above), (MOTION, one_is_enough), (MOTION, last_is_best), ("", first_step_is_largest))
    found = []
    for task, question in asked:
        tasks = (task,) if task else tuple(SCORES)
        fewest = min(map(runs.fewest, tasks))
        true, numbers = question(runs) if fewest else (None, "-")
        found.append(Answer(true, numbers, final=fewest >= SEEDS))
    return found


def middle_is_enough(runs: LayerRuns) -> tuple[bool, str]:
    """1: softmax in the middle layer is like softmax everywhere."""
    gap = runs.gap(COLOUR, "F-S-F", "S-S-S").mean
    return abs(gap) < 0.05, f"{gap:+.3f}"


def any_softmax_helps(runs: LayerRuns) -> tuple[bool, str]:
    """2: each pattern with softmax leads the one without."""
    gaps = {pattern: runs.gap(COLOUR, pattern, "F-F-F").mean for pattern in PATTERNS[:-1]}
    least = min(gaps, key=lambda pattern: gaps[pattern])
    return gaps[least] > 0.05, f"at least {gaps[least]:+.3f} ({least})"


def middle_is_best(runs: LayerRuns) -> tuple[bool, str]:
    """3: of one softmax layer, the middle is best and the first worst."""
    order = sorted(SINGLE, key=lambda pattern: -runs.mean(COLOUR, pattern))
    return (order[0], order[-1]) == ("F-S-F", "S-F-F"), " > ".join(order)


def none_beats_all(runs: LayerRuns) -> tuple[bool, str]:
    """4: two softmax layers are not better than three."""
    best = runs.best(COLOUR, DOUBLE)
    gap = runs.gap(COLOUR, best, "S-S-S").mean
    return gap <= 0.03, f"best of them {best}: {gap:+.3f}"


def all_above(runs: LayerRuns) -> tuple[bool, str]:
    """5: on motion, every pattern with softmax is above 60 %."""
    least = min(PATTERNS[:-1], key=lambda pattern: runs.mean(MOTION, pattern))
    return runs.mean(MOTION, least) > 0.6, f"lowest {least}: {percent_text(runs.mean(MOTION, least))}"


def one_is_enough(runs: LayerRuns) -> tuple[bool, str]:
    """6: on motion, the best single layer is near softmax everywhere."""
    best = runs.best(MOTION, SINGLE)
    gap = runs.gap(MOTION, best, "S-S-S").mean
    return abs(gap) < 0.1, f"{best}: {100 * gap:+.1f} points"


def last_is_best(runs: LayerRuns) -> tuple[bool, str]:
    """7: on motion, the last layer is the best single one."""
    best = runs.best(MOTION, SINGLE)
    return best == "F-F-S", ", ".join(f"{p} {percent_text(runs.mean(MOTION, p))}" for p in SINGLE)


def first_step_is_largest(runs: LayerRuns) -> tuple[bool, str]:
    """8: on both tasks, the first softmax layer brings more than the other two."""
    steps = {task: (runs.gap(task, best, "F-F-F").mean, runs.gap(task, "S-S-S", best).mean)
             for task in SCORES for best in [runs.best(task, SINGLE)]}
    return (all(first > rest for first, rest in steps.values()),
            "; ".join(f"{task.partition('_')[2]} {one:+.3f} and {rest:+.3f}" for task, (one, rest) in steps.items()))


def prediction_rows(runs: LayerRuns) -> str:
    """Every prediction, whether it came true, and the numbers."""
    words = re.findall(r"^\d+\. (.+?)(?=\n\d+\.|\n\n|\Z)", PREDICTIONS.read_text("utf-8"), re.S | re.M)
    rows = [[f"{n}. {' '.join(text.split())}", answer.verdict, answer.numbers]
            for n, (text, answer) in enumerate(zip(words, layer_answers(runs), strict=True), 1)]
    return markdown_table(("predicted before the runs", "came true", "numbers"), rows)


if __name__ == "__main__":
    main()
