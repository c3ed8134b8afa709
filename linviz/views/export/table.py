"""The numbers of a view: every row measure of the pinned patch beside its mean over all rows; as CSV, JSON and NPZ.

A row that is signed, that does not sum to one or that is empty holds no shares: then the number is missing, and `note`
says why. Nothing is rounded.
"""
from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...measure import MEASURES
from ...reading import OF_ROWS
from ..fields import File
from ..load import Opened, Shown
from ..row_stats import of_all, of_row, row_of
from ..state import Progress

MOST = 500_000_000  # bytes of whole maps that are written at once


@dataclass(frozen=True)
class Number:
    """One measure of one mechanism: of the pinned patch's row, and its mean over all rows that are not dead."""

    spec: str
    title: str
    family: str
    measure: str
    unit: str
    patch: float | None
    mean: float | None
    note: str = ""


@torch.no_grad()
def numbers(opened: Opened, progress: Progress | None = None) -> list[Number]:
    """Every number of a view, mechanism by mechanism.

    >>> from linviz.views import View
    >>> n = numbers(View("coffee", patches=7, specs=("uniform",)).open())[0]
    >>> n.measure, n.unit, round(n.mean - n.patch, 6)
    ('entropy', 'bits', 0.0)
    """
    return [number for shown, title in zip(opened.shown, opened.titles)
            for number in _of(opened, shown, title, progress)]


def _of(opened: Opened, shown: Shown, title: str, progress: Progress | None) -> Iterator[Number]:
    patch, note = of_row(shown.reading.map, opened.query, opened.grid, opened.mask)
    def report(done: int, of: int) -> None:
        if progress is not None:
            progress(done, of, f"measuring {shown.spec}")
    mean = of_all(shown.reading, opened.places, report) or {}
    for name in (*OF_ROWS, *opened.places):
        yield Number(shown.spec, title, shown.family, name, MEASURES[name].unit, patch.get(name), mean.get(name), note)


# ------------------------------------------------------------------------------------------------ as text


def about(opened: Opened) -> dict[str, Any]:
    """The state a reader of a table needs, flat: one column a field, so that tables can be put under each other."""
    told = opened.view.told()
    view, source = told.pop("view"), opened.view.source
    file = source if isinstance(source, File) else None
    place = dict(zip(("query_frame", "query_row", "query_column"), opened.place))
    return {"source": file.name if file else source, "sha256": file.sha256 if file else "", **place,
            "patches": view["patches"], "frames": opened.grid.T, "temperature": view["temperature"],
            "causal": view["causal"], "steps": view["steps"], "seed": view["seed"], **told}


def csv_text(opened: Opened, progress: Progress | None = None) -> str:
    """The numbers as CSV, a line each; the state stands in every line. A number that does not exist is left empty.

    >>> from linviz.views import View
    >>> csv_text(View("coffee", patches=7, specs=("uniform",)).open()).splitlines()[1][:37]
    'uniform,uniform,content-free,entropy,'
    """
    out, state = io.StringIO(), about(opened)
    names = [field.name for field in fields(Number)]
    table = csv.DictWriter(out, [*names, *state], lineterminator="\n")
    table.writeheader()
    table.writerows(asdict(number) | state for number in numbers(opened, progress))
    return out.getvalue()


def json_text(opened: Opened, progress: Progress | None = None) -> str:
    """The numbers as JSON: the state and its versions, what every measure is, and the numbers by mechanism.

    >>> from linviz.views import View
    >>> found = json.loads(json_text(View("coffee", patches=7, specs=("uniform",)).open()))
    >>> found["query"], found["mechanisms"][0]["mean"]["entropy"] == found["mechanisms"][0]["patch"]["entropy"]
    ([0, 3, 3], True)
    """
    clip, every = opened.clip, numbers(opened, progress)
    told = opened.view.told() | {
        "clip": {"title": clip.title, "author": clip.author, "licence": clip.licence, "source": clip.source},
        "grid": [opened.grid.T, opened.grid.Y, opened.grid.X], "query": list(opened.place),
        "measures": {name: _declared(name) for name in (*OF_ROWS, *opened.places)},
        "mechanisms": [_mechanism(opened, shown, title, every) for shown, title in zip(opened.shown, opened.titles)]}
    return json.dumps(told, indent=1, allow_nan=False) + "\n"


def _declared(name: str) -> dict[str, str]:
    m = MEASURES[name]
    return {"title": m.title, "symbol": m.symbol, "unit": m.unit, "range": m.range, "source": m.source}


def _mechanism(opened: Opened, shown: Shown, title: str, every: list[Number]) -> dict[str, Any]:
    mine = [number for number in every if number.spec == shown.spec]
    out = {"spec": shown.spec, "title": title, "family": shown.family, "note": mine[0].note,
           "dead_rows": int(shown.reading.dead.sum()), "patch": {n.measure: n.patch for n in mine},
           "mean": {n.measure: n.mean for n in mine}}
    if shown.gate is not None:
        out["fit"] = {"steps": shown.gate["steps"][-1], "to": "softmax", "seed": opened.view.seed}
    return out


# ------------------------------------------------------------------------------------------------ as arrays


@torch.no_grad()
def npz_bytes(opened: Opened, whole: bool = False) -> bytes:
    """The weights themselves as NPZ without pickle: by spec the pinned patch's row (N,), or the whole map (N, N).

    Beside them `grid` (frames, rows, columns), `prefix` (tokens before it), `query` (frame, row, column) and `state`,
    JSON as text. A row folds to pictures by `row[prefix:].reshape(grid)`. ValueError where whole maps are more than
    half a gigabyte.

    >>> from linviz.views import View
    >>> data = npz_bytes(View("coffee", patches=7, specs=("uniform",)).open())
    >>> np.load(io.BytesIO(data))["uniform"].reshape(1, 7, 7).shape
    (1, 7, 7)
    """
    size = sum(4 * a.shape[0] * a.shape[1] for a in (shown.reading.map for shown in opened.shown))
    if whole and size > MOST:
        raise ValueError(f"the whole maps are {size / 1e9:.1f} GB and at most {MOST / 1e9:.1f} are written: take fewer "
                         "patches, frames or mechanisms, or the rows of one patch")
    arrays = {shown.spec: (_dense(shown) if whole else row_of(shown.reading.map, opened.query)).numpy()
              for shown in opened.shown}
    grid, out = opened.grid, io.BytesIO()
    beside = {"grid": np.array([grid.T, grid.Y, grid.X]), "prefix": np.array(grid.prefix),
              "query": np.array(opened.place), "state": np.array(json.dumps(opened.view.told(), allow_nan=False))}
    np.savez_compressed(out, allow_pickle=False, **beside, **arrays)
    return out.getvalue()


def _dense(shown: Shown) -> Tensor:
    return shown.reading.map.dense()[0, 0]
