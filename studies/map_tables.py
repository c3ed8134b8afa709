"""Tables of the maps: concentration and rank, layer by layer, and how they go with accuracy."""
from __future__ import annotations

import statistics as plain
from collections.abc import Callable
from typing import Any

from .interval_statistics import bootstrap_interval, partial_correlation, rank_correlation
from .intervention_tables import STEPS
from .ledger import Ledger, Record, Value, layer_mean
from .number_formats import arm_label, correlation_text, markdown_table, number_text, percent_text

MEASURES = {"entropy": "entropy / log2 N", "top": "weight of the heaviest 5 %",
            "object": "weight on the digit (flat row: 1)", "effective_rank": "effective rank",
            "diversity": "row diversity"}
FEWEST_ARMS = 8  # over which a correlation is printed


def map_table(book: Ledger, budget: str) -> str:
    """Every measure in the layers 1 / 2 / 3, mean over clips, heads, queries and seeds."""
    rows = []
    for name in book.names(budget):
        models = book.models(budget, name)
        cells = [" / ".join(_layer_cell(models, n, key) for n in range(3)) for key in MEASURES]
        heaviest = " / ".join(number_text(_mean_or_none([m["pointing"][n] for m in models])) for n in range(3))
        rows.append([arm_label(name), percent_text(book.accuracy(budget, name).mean), *cells, heaviest])
    return markdown_table(("attention", "accuracy", *MEASURES.values(), "heaviest token on the digit"), rows)


def _layer_cell(models: list[Record], n: int, key: str) -> str:
    return number_text(_mean_or_none([model["layers"][n].get(key) for model in models]),
                       1 if key == "effective_rank" else 2)


def _mean_or_none(values: list[float | None]) -> float | None:
    """The mean; None if a value is missing."""
    there = [x for x in values if x is not None]
    return plain.fmean(there) if there and len(there) == len(values) else None


def arm_columns(book: Ledger, budget: str) -> dict[str, list[float]]:
    """Accuracy and every measure (mean over layers and seeds) of every arm that has all measures."""
    out: dict[str, list[float]] = {key: [] for key in ("accuracy", "pointing", *MEASURES)}
    for name in book.names(budget):
        models = book.models(budget, name)
        found = {key: _mean_or_none([layer_mean(model, key) for model in models]) for key in MEASURES}
        found["pointing"] = _mean_or_none([_mean_or_none(model["pointing"]) for model in models])
        if None not in found.values():
            out["accuracy"].append(book.accuracy(budget, name).mean)
            for key, value in found.items():
                out[key].append(float(value or 0))
    return out


def correlation_table(book: Ledger, budget: str) -> str:
    """How each measure goes with accuracy over arms: Spearman, and with rank or entropy held constant."""
    found = arm_columns(book, budget)
    if not enough_arms(book, budget):
        return f"Only {len(found['accuracy'])} variants have been trained with this budget: too few to correlate."
    rows = []
    for key, title in (*MEASURES.items(), ("pointing", "heaviest token on the digit")):
        other = "entropy" if key in ("effective_rank", "diversity") else "effective_rank"
        pair = [found[key], found["accuracy"]]
        rows.append([title, correlation_text(bootstrap_value(pair, rank_correlation)),
                     correlation_text(bootstrap_value([*pair, found[other]], partial_correlation)), MEASURES[other]])
    return markdown_table((f"over {len(found['accuracy'])} variants", "Spearman with accuracy",
                           "with the next column held constant", "held constant"), rows)


def long_correlations(book: Ledger, budget: str) -> dict[str, Value]:
    """Rank and accuracy with entropy held constant, and entropy and accuracy with rank held constant."""
    found = arm_columns(book, budget)
    rank, entropy, right = (found[key] for key in ("effective_rank", "entropy", "accuracy"))
    return {"rank": bootstrap_value([rank, right, entropy], partial_correlation),
            "entropy": bootstrap_value([entropy, right, rank], partial_correlation)}


def bootstrap_value(triple: list[list[float]], of: Callable[..., Any]) -> Value:
    """A correlation of columns with its bootstrap interval."""
    return Value(float(of(*triple)), bootstrap_interval(triple, of), (), "rows")


def enough_arms(book: Ledger, budget: str) -> bool:
    """Whether a budget has enough arms for a correlation."""
    return len(arm_columns(book, budget)["accuracy"]) >= FEWEST_ARMS


def way_to_softmax(book: Ledger, budget: str) -> dict[str, dict[str, float]]:
    """Three measures of the maps of floor, gate and softmax, and the share of the way that the gate goes."""
    names = {"floor": "relu_floor", "gate": "relu_floor+gate", "softmax": "softmax"}
    out = {}
    for key, title in (("entropy", "entropy"), ("effective_rank", "effective rank"), ("diversity", "row diversity")):
        of = {word: book.mean(budget, name, lambda m: layer_mean(m, key) or 0)  # noqa: B023
              for word, name in names.items()}
        out[title] = of | {"share": (of["gate"] - of["floor"]) / (of["softmax"] - of["floor"])}
    return out


def link_range(book: Ledger) -> tuple[float, float]:
    """Over models: the lowest and the highest correlation of weight on the digit and probability of the answer."""
    found = [book.mean(budget, name, lambda m: m["link"] or 0.0) for budget in STEPS for name in book.names(budget)
             if name != "uniform" and book.models(budget, name)[0]["link"] is not None]
    return min(found), max(found)


def pointing_share(book: Ledger, budget: str, name: str) -> float:
    """The share of an arm's rows whose heaviest token lies on the digit."""
    return _mean_or_none([_mean_or_none(m["pointing"]) for m in book.models(budget, name)]) or 0.0


def arms_without_entropy(book: Ledger) -> list[str]:
    """Arms without an entropy, because their weights are signed or differ from channel to channel."""
    return [arm_label(n) for b in STEPS for n in book.names(b) if layer_mean(book.models(b, n)[0], "entropy") is None]
