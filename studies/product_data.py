"""What the product shows of the studies: data of figures and sentences, written to linviz/evidence_data.

The Evidence page and the chapters read them through `linviz.evidence`; neither needs the studies.
"""
from __future__ import annotations

import json
import statistics as plain
from dataclasses import asdict
from pathlib import Path
from typing import Any

import linviz.evidence as product
from linviz.figures.evidence import Arm, Band, Point
from linviz.mechanisms import REGISTRY
from linviz.whole import write_whole

from . import gates_page
from .accuracies import CHANCE
from .kept import RESULTS, read, rounded
from .ledger import Ledger, Value, layers
from .others import best_first, doses, missing, over_seeds, stories
from .places import placed
from .words import called

CORE = ("softmax", "relu", "relu_floor+gate+shift", "relu_floor+gate", "relu_floor")
SHOWN = {"entropy": "entropy / log2 N (1: flat)", "effective_rank": "effective rank (of 144)"}
STORIES = {"concentration": "concentration, 1 - entropy / log2 N", "rank": "effective rank (of 144)"}
Data = dict[str, Any] | None


def write_data(data: dict[str, Any], name: str, folder: Path = product.FOLDER) -> None:
    """Write one of the product's files; every number with five digits."""
    write_whole(folder / name, json.dumps(rounded(data), indent=1, ensure_ascii=False) + "\n", folder=True)


def figures(book: Ledger) -> dict[str, Any]:
    """The data of every figure by its name, and by budget where it has one; None where numbers are missing."""
    by_budget = {"accuracy": accuracy, "curves": curves, "maps": maps}
    found = {name: {budget: make(book, budget) for budget in product.BUDGETS} for name, make in by_budget.items()}
    single = {"breadth": breadth(book), "dose": dose(book), "front": front(book),
              "gates": gates_page.figure_data(read(RESULTS / "gates.json"))}
    return dict(rounded(found | single))


def family(name: str) -> str:
    """The family of an arm's mechanism."""
    return REGISTRY[name.partition("~")[0].partition("@")[0].partition("+")[0]].family


def arm(title: str, name: str, value: Value) -> dict[str, Any]:
    """A row of a figure: an arm's seeds, their mean, and its interval within 0 and 1."""
    low, high = value.interval
    return asdict(Arm(title, name, family(name), list(value.values), value.mean, max(low, 0), min(high, 1)))


def accuracy(book: Ledger, budget: str) -> Data:
    """Every arm of a budget with its seeds and its interval."""
    rows = [arm(called(name), name, book.accuracy(budget, name)) for name in book.names(budget)]
    return {"kind": "intervals", "rows": rows, "levels": {"chance": CHANCE}} if rows else None


def curves(book: Ledger, budget: str) -> Data:
    """Learning curves of the five core arms."""
    rows = []
    for name in (n for n in CORE if book.has(budget, n)):
        models = [model["curve"] for model in book.models(budget, name)]
        heights = [[row[1] for row in rows] for rows in zip(*models)]
        rows.append(asdict(Band(called(name), name, family(name), [row[0] for row in models[0]],
                                [plain.fmean(h) for h in heights], list(map(min, heights)), list(map(max, heights)))))
    return {"kind": "learning", "rows": rows, "chance": CHANCE} if rows else None


def scatter(points: list[Point], measures: dict[str, str]) -> Data:
    """Points with their names placed, and what the axes are."""
    return {"kind": "scatter", "rows": [asdict(p) for p in placed(points, measures)], "measures": measures}


def maps(book: Ledger, budget: str) -> Data:
    """Accuracy over entropy and over rank, one point per model; an arm's name stands at its most accurate model."""
    points = []
    for name in book.names(budget):
        models = sorted(book.models(budget, name), key=lambda model: -model["accuracy"])
        for n, model in enumerate(models):
            found = {key: layers(model, key) for key in SHOWN}
            if None not in found.values():
                points.append(Point(called(name), name, family(name), {k: x or 0.0 for k, x in found.items()},
                                    model["accuracy"], {} if n else dict.fromkeys(SHOWN, (0.0, 0.0))))
    return scatter(points, SHOWN) if points else None


def breadth(book: Ledger) -> Data:
    """Accuracy over concentration and over rank, one point per mechanism."""
    points = [Point(called(name), name, family(name), {"concentration": conc, "rank": rank}, right,
                    dict.fromkeys(STORIES, (0.0, 0.0))) for name, (conc, rank, right) in stories(book).items()]
    return None if missing(book, "breadth") else scatter(points, STORIES)


def dose(book: Ledger) -> Data:
    """Accuracy over the floor."""
    if missing(book, "dose"):
        return None
    runs = doses(book)
    floors = sorted({run.floor for run in runs})
    rows = [arm(f"floor {floor:g}", "relu_floor" if floor else "relu",
                over_seeds([run.accuracy for run in runs if run.floor == floor])) for floor in floors]
    return {"kind": "dose", "rows": rows, "floors": floors}


def front(book: Ledger) -> Data:
    """Every arm of the second task with its seeds and its interval."""
    if missing(book, "front"):
        return None
    rows = [arm(called(name), name, over_seeds([t["recorded"] for t in of]))
            for name, of in best_first(book.told["front"])]
    return {"kind": "intervals", "rows": rows, "levels": {"a guess": 1 / 2}}
