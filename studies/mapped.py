"""The page's sections on what the maps do: concentration and rank, layer by layer, and how they go with accuracy."""
from __future__ import annotations

import math
import statistics as plain

from .altered import STEPS
from .ledger import Ledger, Told, layers
from .stats import bootstrap, partial, spearman
from .words import called, listed, number, percent, points, table, whole

MEASURES = {"entropy": "entropy / log2 N", "top": "weight of the heaviest 5 %", "object": "weight on the digit, x fair",
            "effective_rank": "effective rank", "diversity": "row diversity"}


def maps(book: Ledger, budget: str) -> str:
    """Every measure in the layers 1 / 2 / 3, mean over clips, heads, queries and seeds."""
    rows = []
    for name in book.names(budget):
        models = book.models(budget, name)
        cells = [" / ".join(_layer(models, n, key) for n in range(3)) for key in MEASURES]
        heaviest = " / ".join(number(_mean([m["pointing"][n] for m in models])) for n in range(3))
        rows.append([called(name), percent(book.accuracy(budget, name).mean), *cells, heaviest])
    return table(("attention", "accuracy", *MEASURES.values(), "heaviest token on the digit"), rows)


def _layer(models: list[Told], n: int, key: str) -> str:
    return number(_mean([model["layers"][n].get(key) for model in models]), 1 if key == "effective_rank" else 2)


def _mean(values: list[float | None]) -> float | None:
    """Their mean; None where one is missing."""
    there = [x for x in values if x is not None]
    return plain.fmean(there) if there and len(there) == len(values) else None


def columns(book: Ledger, budget: str) -> dict[str, list[float]]:
    """Accuracy and every measure (mean over layers and seeds), one number an arm; arms without a measure left out."""
    out: dict[str, list[float]] = {key: [] for key in ("accuracy", "pointing", *MEASURES)}
    for name in book.names(budget):
        models = book.models(budget, name)
        found = {key: _mean([layers(model, key) for model in models]) for key in MEASURES}
        found["pointing"] = _mean([_mean(model["pointing"]) for model in models])
        if None not in found.values():
            out["accuracy"].append(book.accuracy(budget, name).mean)
            for key, value in found.items():
                out[key].append(float(value or 0))
    return out


def together(book: Ledger, budget: str) -> str:
    """How each measure goes with accuracy over the arms of a budget: Spearman, and with the other story taken out."""
    found = columns(book, budget)
    if len(found["accuracy"]) < 8:
        return f"Only {len(found['accuracy'])} arms have been trained with this budget: too few to correlate."
    rows = []
    for key, title in (*MEASURES.items(), ("pointing", "heaviest token on the digit")):
        pair = [found[key], found["accuracy"]]
        other = "entropy" if key in ("effective_rank", "diversity") else "effective_rank"
        triple = [*pair, found[other]]
        rows.append([title, interval(spearman(*pair), bootstrap(pair, spearman)),
                     interval(partial(*triple), bootstrap(triple, partial)), MEASURES[other]])
    return table((f"over {len(found['accuracy'])} arms", "Spearman with accuracy", "with the column at the right taken "
                  "out", "taken out"), rows)


def interval(value: float, around: tuple[float, float]) -> str:
    """A correlation with its bootstrap interval; a dash where it is not defined."""
    return "-" if math.isnan(value) else f"{value:+.2f} [{around[0]:+.2f}, {around[1]:+.2f}]"


def sentence_rank(book: Ledger, budget: str) -> str:
    """By how much the gate closes the way from the floor's maps to softmax's: in entropy, and in rank."""
    floor, gate, soft = ({key: plain.fmean(layers(m, key) or 0 for m in book.models(budget, name))
                          for key in ("entropy", "effective_rank", "diversity")}
                         for name in ("relu_floor", "relu_floor+gate", "softmax"))
    way = {key: f"{whole((gate[key] - floor[key]) / (soft[key] - floor[key]))} of the way in" for key in floor}
    told = {key: f"({floor[key]:.2f} -> {gate[key]:.2f}, softmax {soft[key]:.2f})" for key in floor}
    return (f"After {STEPS[budget]} steps the gate goes, from the floor's maps to softmax's, {way['entropy']} entropy "
            f"{told['entropy']}, {way['effective_rank']} effective rank {told['effective_rank']} and "
            f"{way['diversity']} row diversity {told['diversity']}.")


def sentence_link(book: Ledger) -> str:
    """Within one model: do clips with more weight on the digit get surer answers?"""
    found = {f"{called(name)}": book.mean(budget, name, lambda m: m["link"] or 0.0) for budget in ("long", "short")
             for name in book.names(budget) if name != "uniform" and book.models(budget, name)[0]["link"] is not None}
    low, high = min(found.values()), max(found.values())
    tells = "hardly tells" if max(abs(low), abs(high)) < 0.4 else "tells something of"
    return (f"Within one model, over clips, the last layer's weight on the digit {tells} how sure the right answer is: "
            f"rank correlations from {low:+.2f} to {high:+.2f}. A heat map of one clip explains no answer.")


def sentence_pointing(book: Ledger, budget: str) -> str:
    """Why the pointing game is in the table but carries no claim."""
    found = {name: _mean([_mean(m["pointing"]) for m in book.models(budget, name)]) for name in
             ("softmax", "relu_floor")}
    soft, floor = (x or 0.0 for x in found.values())
    apart = "hardly separates" if abs(soft - floor) < 0.15 else "separates"
    return (f"Whether the heaviest token lies on the digit {apart} the arms: {percent(floor)} of the rows of the flat "
            f"baseline, {percent(soft)} of softmax's ({points(soft - floor)} points).")


def sentence_measures(book: Ledger) -> str:
    """Which arms have no entropy, because their weights are signed or differ from channel to channel."""
    without = [called(n) for b in ("short", "long") for n in book.names(b) if layers(book.models(b, n)[0], "entropy")
               is None]
    return f"No shares, so no entropy: {listed(without)}." if without else ""
