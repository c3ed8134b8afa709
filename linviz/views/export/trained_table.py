"""The numbers of a view of trained models, as CSV, JSON and NPZ: what they answer, how concentrated a layer is, a row.

Four kinds stand under each other. "answer": a share of every class. "layer": the page's table, means over all heads
and patches of the layer, on this clip and as recorded of other clips. "patch": the pinned patch's row of the map that
is drawn. "test": right answers on other clips. Nothing is rounded; what does not exist is left empty.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from ...measure import MEASURES
from ...models.looking import NAMES, row_measures
from ...reading import ROW_MEASURES
from ..row_stats import query_row, row_statistics
from ..trained_panels import ModelPanel, OpenTrained
from .table import csv_text, json_text, npz_bytes, place_columns

LAYER = {"entropy": "of 1", "top": "of 1", "object": "times its share"}  # the measures of the page's table
PATCH = (*ROW_MEASURES, "mass", "lift")  # those of a row: the last two are of the patches that ink touches


@dataclass(frozen=True)
class Number:
    """One number of one model on this clip, beside what is recorded of the model."""

    spec: str
    title: str
    family: str
    kind: str
    measure: str
    unit: str
    value: float | None
    recorded: float | None = None
    note: str = ""


@torch.no_grad()
def trained_numbers(opened: OpenTrained) -> list[Number]:
    """Every number of a view, model by model."""
    found = []
    for one in opened.panels:
        for kind, *rest in _panel_numbers(opened, one):
            of = one if kind in ("layer", "patch") else one.answer  # of a hybrid: the layer, or the model
            found.append(Number(one.spec, of.title, of.family, kind, *rest))
    return found


def _panel_numbers(opened: OpenTrained, one: ModelPanel) -> Iterator[tuple[Any, ...]]:
    for name, share in zip(one.answer.card["classes"], one.answer.shares.tolist(), strict=True):
        yield "answer", name, "of 1", share
    now, then = row_measures(one.traced, opened.outline[None]), one.answer.card["layers"][one.layer - 1]
    for name, unit in LAYER.items():
        yield "layer", name, unit, now.get(name), then.get(name)
    row, note = row_statistics(one.map, opened.query, opened.grid, opened.outline.float())
    for name in PATCH:
        yield "patch", name, MEASURES[name].unit, row.get(name), None, note
    yield "test", "right answers", "of 1", None, one.answer.card["test_accuracy"]


def trained_columns(opened: OpenTrained) -> dict[str, Any]:
    """The state that made them, flat: one column per field."""
    told = opened.to_json()
    view = {name: value for name, value in told.pop("trained").items() if name not in ("specs", "query", "look")}
    del told["models"]
    return view | place_columns(opened) | told


def trained_csv(opened: OpenTrained) -> str:
    """The numbers as CSV, one line per number, with the state and the SHA-256 of the model's weights in every line."""
    state = trained_columns(opened)
    sums = {one.spec: {"sha256": one.answer.card["sha256"]} for one in opened.panels}
    return csv_text([asdict(number) | sums[number.spec] | state for number in trained_numbers(opened)])


def trained_json(opened: OpenTrained) -> str:
    """The numbers as JSON: state, versions and weights, what every measure is, and the numbers by model."""
    every = trained_numbers(opened)
    return json_text(opened, {
        "true": opened.true,
        "measures": {"layer": {name: {"title": NAMES[name], "unit": unit} for name, unit in LAYER.items()},
                     "patch": {name: {"title": MEASURES[name].title, "unit": MEASURES[name].unit} for name in PATCH}},
        "answers": [_model(one, [n for n in every if n.spec == one.spec]) for one in opened.panels]})


def _model(one: ModelPanel, mine: list[Number]) -> dict[str, Any]:
    kinds = {kind: {n.measure: n.value for n in mine if n.kind == kind} for kind in ("answer", "layer", "patch")}
    recorded = {n.measure: n.recorded for n in mine if n.kind in ("layer", "test")}
    says = one.answer.card["classes"][one.answer.likeliest]
    return {"spec": one.spec, "title": one.answer.title, "family": one.answer.family, "says": says, **kinds,
            "recorded": recorded, "note": next(n.note for n in mine if n.kind == "patch")}


@torch.no_grad()
def trained_npz(opened: OpenTrained) -> bytes:
    """The weights of the pinned patch as NPZ without pickle: by model its row of the map that is drawn, (N,).

    `MODEL/heads` holds its rows in every layer and head, (layers, heads, N). Beside them `grid` (frames, rows,
    columns), `query`, `ink` (which patches the digit touches) and `state`, JSON as text. A row folds to pictures by
    `row.reshape(grid)`.
    """
    arrays: dict[str, Any] = {}
    for one in opened.panels:
        arrays[one.spec] = query_row(one.map, opened.query)
        arrays[f"{one.spec}/heads"] = np.stack([_heads(layer.map, opened.query) for layer in one.answer.layers])
    return npz_bytes(opened, ink=opened.outline, **arrays)


def _heads(a: Any, query: int) -> np.ndarray:
    a = a if a.shared is None else a.shared
    found: np.ndarray = a.dense()[0, :, query].numpy()  # as the map that is drawn: the same digits
    return found
