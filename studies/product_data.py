"""What the product shows of the studies: data of figures and sentences, written to linviz/evidence_data.

The Evidence page of the explorer reads them through `linviz.evidence`, and does not need the studies.
"""
from __future__ import annotations

import json
import math
import statistics as plain
from dataclasses import asdict
from pathlib import Path
from typing import Any

import linviz.evidence as product
from linviz.atomic_write import write_atomically
from linviz.figures.evidence_charts import Arm, Band, Point
from linviz.mechanisms import REGISTRY

from .accuracy_tables import CHANCE
from .breadth_tables import enough_mechanisms, story_measures
from .colour_runs import ColourRuns
from .evidence_store import RESULTS, read_results, round_numbers
from .gate_rows import gate_figure_data
from .label_places import place_labels
from .ledger import Ledger, Value, layer_mean
from .number_formats import arm_label
from .other_sets import dose_runs, missing_runs, rank_arms, seed_value

CORE = ("softmax", "relu", "relu_floor+gate+shift", "relu_floor+gate", "relu_floor")
SHOWN = {"entropy": "entropy / log2 N (1: flat)", "effective_rank": "effective rank (of 144)"}
STORIES = {"concentration": "concentration, 1 - entropy / log2 N", "rank": "effective rank (of 144)"}
Data = dict[str, Any] | None


def write_data(data: dict[str, Any], name: str, folder: Path = product.FOLDER) -> None:
    """Write one of the product's files; every number with five digits."""
    write_atomically(folder / name, json.dumps(round_numbers(data), indent=1, ensure_ascii=False) + "\n", folder=True)


def product_figures(book: Ledger) -> dict[str, Any]:
    """The data of every figure by its name, and by budget where it has one; None where numbers are missing."""
    by_budget = {"accuracy": accuracy_data, "curves": curve_data, "maps": map_data}
    found = {name: {budget: make(book, budget) for budget in product.BUDGETS} for name, make in by_budget.items()}
    single = {"breadth": breadth_data(book), "dose": dose_data(book), "front": front_data(book),
              "colour": colour_data(ColourRuns.read()),
              "gates": gate_figure_data(read_results(RESULTS / "gates.json"))}
    return dict(round_numbers(found | single))


def arm_family(name: str) -> str:
    """The family of an arm's mechanism."""
    return REGISTRY[name.partition("~")[0].partition("@")[0].partition("+")[0]].family


def arm_row(title: str, name: str, value: Value) -> dict[str, Any]:
    """A row of a figure: an arm's seeds, their mean, and its interval within 0 and 1."""
    low, high = value.interval
    return asdict(Arm(title, name, arm_family(name), list(value.values), value.mean, max(low, 0), min(high, 1)))


def accuracy_data(book: Ledger, budget: str) -> Data:
    """Every arm of a budget with its seeds and its interval."""
    rows = [arm_row(arm_label(name), name, book.accuracy(budget, name)) for name in book.names(budget)]
    return {"kind": "intervals", "rows": rows, "levels": {"chance": CHANCE}} if rows else None


def curve_data(book: Ledger, budget: str) -> Data:
    """Learning curves of the five core arms."""
    rows = []
    for name in (n for n in CORE if book.has(budget, n)):
        models = [model["curve"] for model in book.models(budget, name)]
        heights = [[row[1] for row in rows] for rows in zip(*models)]
        rows.append(asdict(Band(arm_label(name), name, arm_family(name), [row[0] for row in models[0]],
                                [plain.fmean(h) for h in heights], list(map(min, heights)), list(map(max, heights)))))
    return {"kind": "learning", "rows": rows, "chance": CHANCE} if rows else None


def scatter_data(points: list[Point], measures: dict[str, str]) -> Data:
    """Points with placed labels, and the titles of the axes."""
    return {"kind": "scatter", "rows": [asdict(p) for p in place_labels(points, measures)], "measures": measures}


def map_data(book: Ledger, budget: str) -> Data:
    """Accuracy over entropy and over rank, one point per model; the label of an arm stands at its best model."""
    points = []
    for name in book.names(budget):
        models = sorted(book.models(budget, name), key=lambda model: -model["accuracy"])
        for n, model in enumerate(models):
            found = {key: layer_mean(model, key) for key in SHOWN}
            if None not in found.values():
                points.append(Point(arm_label(name), name, arm_family(name), {k: x or 0.0 for k, x in found.items()},
                                    model["accuracy"], {} if n else dict.fromkeys(SHOWN, (0.0, 0.0))))
    return scatter_data(points, SHOWN) if points else None


def breadth_data(book: Ledger) -> Data:
    """Accuracy over concentration and over rank, one point per mechanism with all three seeds."""
    points = [Point(arm_label(name), name, arm_family(name), {"concentration": conc, "rank": rank}, right,
                    dict.fromkeys(STORIES, (0.0, 0.0))) for name, (conc, rank, right) in story_measures(book).items()]
    return scatter_data(points, STORIES) if enough_mechanisms(book) else None


def dose_data(book: Ledger) -> Data:
    """Accuracy over the floor."""
    if missing_runs(book, "dose"):
        return None
    runs = dose_runs(book)
    floors = sorted({run.floor for run in runs})
    rows = [arm_row(f"floor {floor:g}", "relu_floor" if floor else "relu",
                    seed_value([run.accuracy for run in runs if run.floor == floor])) for floor in floors]
    return {"kind": "dose", "rows": rows, "floors": floors}


def front_data(book: Ledger) -> Data:
    """Every arm of the second task with its seeds and its interval."""
    if missing_runs(book, "front"):
        return None
    rows = [arm_row(arm_label(name), name, seed_value([t["recorded"] for t in of]))
            for name, of in rank_arms(book.records["front"])]
    return {"kind": "intervals", "rows": rows, "levels": {"a guess": 1 / 2}}


def colour_data(runs: ColourRuns) -> Data:
    """Every arm of the colour task with its seeds, and its interval where there are enough of them."""
    rows = [asdict(Arm(arm_label(name), name, arm_family(name.partition("/")[2].partition("/")[0] or name),
                       list(value.values), value.mean, *seen_interval(value)))
            for name in runs.ranked("colour") for value in [runs.value("colour", name)]]
    levels = {"made by hand": runs.baselines["bilateral"]["test_r2"]} if "bilateral" in runs.baselines else {}
    data = {"kind": "intervals", "rows": rows, "levels": levels, "score": "R2 on held-out photographs"}
    return data if rows else None


def seen_interval(value: Value) -> tuple[float, float]:
    """The interval over seeds; with too few seeds for one, from the lowest to the highest."""
    low, high = value.interval
    return (low, high) if math.isfinite(low) else (min(value.values), max(value.values))
