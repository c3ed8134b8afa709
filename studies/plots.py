"""The kept numbers as plotly figures: for the page (`tools/plots.py` makes SVG of them) and for the explorer.

    PLOTS["curves"](book) -> a figure with its alt text, or None where its numbers are not there yet
"""
from __future__ import annotations

import statistics as plain
from collections.abc import Callable

import plotly.graph_objects as go

from linviz.figures.evidence_charts import Arm, Band, Point, dose, intervals, learning, scatter
from linviz.mechanisms import REGISTRY

from .accuracies import CHANCE
from .ledger import Ledger, Value, layers
from .others import best_first, doses, missing, over_seeds, stories
from .places import placed
from .words import called

CORE = ("softmax", "relu", "relu_floor+gate+shift", "relu_floor+gate", "relu_floor")
SHOWN = {"entropy": "entropy / log2 N (1: flat)", "effective_rank": "effective rank (of 144)"}
STORIES = {"concentration": "concentration, 1 - entropy / log2 N", "rank": "effective rank (of 144)"}


def family(name: str) -> str:
    """The family of an arm's mechanism."""
    return REGISTRY[name.partition("~")[0].partition("@")[0].partition("+")[0]].family


def arm(title: str, name: str, value: Value) -> Arm:
    """A row of a plot: an arm's seeds, their mean, and its interval as far as accuracies go."""
    low, high = value.interval
    return Arm(title, name, family(name), value.values, value.mean, max(low, 0), min(high, 1))


def accuracy(book: Ledger, budget: str = "short", dark: bool = False) -> go.Figure | None:
    """Every arm of a budget with its seeds and its interval."""
    arms = [arm(called(name), name, book.accuracy(budget, name)) for name in book.names(budget)]
    return intervals(arms, levels={"chance": CHANCE}, dark=dark) if arms else None


def curves(book: Ledger, budget: str = "short", dark: bool = False) -> go.Figure | None:
    """Learning curves of the five core arms."""
    bands = []
    for name in (n for n in CORE if book.has(budget, n)):
        models = [model["curve"] for model in book.models(budget, name)]
        heights = [[row[1] for row in rows] for rows in zip(*models)]
        bands.append(Band(called(name), name, family(name), [row[0] for row in models[0]],
                          [plain.fmean(h) for h in heights], list(map(min, heights)), list(map(max, heights))))
    return learning(bands, chance=CHANCE, dark=dark) if bands else None


def maps(book: Ledger, budget: str = "short", dark: bool = False) -> go.Figure | None:
    """Accuracy over entropy and over rank, a model a point; an arm's name stands at its most accurate model."""
    points = []
    for name in book.names(budget):
        models = sorted(book.models(budget, name), key=lambda model: -model["accuracy"])
        for n, model in enumerate(models):
            found = {key: layers(model, key) for key in SHOWN}
            if None not in found.values():
                points.append(Point(called(name), name, family(name), {k: x or 0.0 for k, x in found.items()},
                                    model["accuracy"], {} if n else dict.fromkeys(SHOWN, (0.0, 0.0))))
    return scatter(placed(points, SHOWN), SHOWN, dark=dark) if points else None


def doses_drawn(book: Ledger, dark: bool = False) -> go.Figure | None:
    """Accuracy over the floor."""
    if missing(book, "dose"):
        return None
    runs, arms = doses(book), []
    floors = sorted({run.floor for run in runs})
    for floor in floors:
        value = over_seeds([run.accuracy for run in runs if run.floor == floor])
        arms.append(arm(f"floor {floor:g}", "relu_floor" if floor else "relu", value))
    return dose(arms, floors, dark=dark)


def breadth(book: Ledger, dark: bool = False) -> go.Figure | None:
    """Accuracy over concentration and over rank, a mechanism a point."""
    if missing(book, "breadth"):
        return None
    points = [Point(called(name), name, family(name), {"concentration": conc, "rank": rank}, right,
                    dict.fromkeys(STORIES, (0.0, 0.0))) for name, (conc, rank, right) in stories(book).items()]
    return scatter(placed(points, STORIES), STORIES, dark=dark)


def front(book: Ledger, dark: bool = False) -> go.Figure | None:
    """Every arm of the second task with its seeds and its interval."""
    if missing(book, "front"):
        return None
    arms = [arm(called(name), name, over_seeds([t["recorded"] for t in of]))
            for name, of in best_first(book.told["front"])]
    return intervals(arms, levels={"a guess": 1 / 2}, dark=dark)


PLOTS: dict[str, Callable[..., go.Figure | None]] = {
    "accuracy": accuracy, "curves": curves, "maps": maps, "dose": doses_drawn, "breadth": breadth,
    "front": front}
