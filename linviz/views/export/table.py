"""The numbers of a view: every row measure of the pinned patch beside its mean over all rows; as CSV, JSON and NPZ.

A row that is signed, that does not sum to one or that is empty is no probability distribution: then the number is
missing, `note` says why, and maps with such rows have measures of their own. Gates and memories stand at the strengths
of the view's look. Nothing is rounded.
"""
from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from ...measure import MEASURES
from ...mechanisms import REGISTRY, parse
from ...signed_rows import SIGNED_MEASURES
from ..drawable import Drawable
from ..load import Progress
from ..map_divergence import view_divergence
from ..row_stats import (
    mean_statistics,
    query_row,
    row_statistics,
    signed_statistics,
    table_measures,
    why_missing,
)
from ..state import STRENGTHS
from ..state_kinds import SourceFile
from ..view_panels import OpenView, ViewPanel
from .pinned_pictures import pin_numbers, pin_places, pin_rows

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
def view_numbers(opened: OpenView, progress: Progress | None = None) -> list[Number]:
    """Every number of a view, mechanism by mechanism.

    >>> from linviz.views import View, open_view
    >>> n = view_numbers(open_view(View("coffee", patches=7, specs=("uniform",))))[0]
    >>> n.measure, n.unit, round(n.mean - n.patch, 6)
    ('entropy', 'bits', 0.0)
    """
    found = [number for panel, title in zip(opened.panels, opened.titles)
             for number in _panel_numbers(opened, panel, title, progress)]
    names = measure_names(opened)
    return found + [Number(key, key, REGISTRY[parse(key.partition(" ")[0]).name].family, name, MEASURES[name].unit,
                           None, None, why) for key, why in opened.left_out.items() for name in names]


def measure_names(opened: OpenView) -> tuple[str, ...]:
    """The measures of the table of a view, in order."""
    return table_measures((panel.map for panel in opened.panels), opened.tokens.measure_options)


def _panel_numbers(opened: OpenView, panel: ViewPanel, title: str, progress: Progress | None) -> Iterator[Number]:
    def report(done: int, of: int) -> None:
        if progress is not None:
            progress(done, of, f"measuring {panel.key}")
    patch: dict[str, float] = {}
    mean: dict[str, float] = {}
    try:
        patch, note = row_statistics(panel.reading.map, opened.query, opened.grid, opened.tokens.mask)
        mean = mean_statistics(panel.reading, opened.tokens.measure_options, report) or {}
    except ValueError as error:  # the other mechanisms are measured nevertheless
        note = str(error)
    patch = patch or signed_statistics(panel.reading.map, opened.query)
    for name in measure_names(opened):
        why = "" if name in SIGNED_MEASURES else note or why_missing(name, patch)
        yield Number(panel.key, title, panel.family, name, MEASURES[name].unit, patch.get(name), mean.get(name), why)


# ------------------------------------------------------------------------------------------------ as text


def state_columns(opened: OpenView) -> dict[str, Any]:
    """The state a reader of a table needs, one column per field: tables can be concatenated."""
    told = opened.view.to_json()
    view, source = told.pop("view"), opened.view.source
    file = source if isinstance(source, SourceFile) else None
    return {"source": file.name if file else source, "sha256": file.sha256 if file else "", **place_columns(opened),
            "patches": view["patches"], "frames": opened.grid.T, "temperature": view["temperature"],
            "keys": view["keys"], "causal": view["causal"], "steps": view["steps"], "seed": view["seed"],
            **({"layer": view["layer"], "head": view["head"]} if opened.tokens.layer else {}),
            **{name: getattr(opened.look, name) for name in STRENGTHS}, **_pins_column(opened), **told}


def _pins_column(opened: OpenView) -> dict[str, str]:
    places = tuple(pin_places(opened))
    return {"pins": opened.look.settings()["pins"].kind.write(places)} if places else {}


def numbers_csv(opened: OpenView, progress: Progress | None = None) -> str:
    """The numbers as CSV, one line per number; the state stands in every line. A missing number is left empty.

    Of several pinned patches each has a column: pin_1, pin_2 and so on, in the order of `pins`.

    >>> from linviz.views import View, open_view
    >>> numbers_csv(open_view(View("coffee", patches=7, specs=("uniform",)))).splitlines()[1][:37]
    'uniform,uniform,content-free,entropy,'
    """
    state = state_columns(opened)
    panels = {panel.key: panel for panel in opened.panels}
    return csv_text([asdict(number) | _pin_columns(opened, panels.get(number.spec), number.measure) | state
                     for number in view_numbers(opened, progress)])


def _pin_columns(opened: OpenView, panel: ViewPanel | None, measure: str) -> dict[str, float | None]:
    places = pin_places(opened)
    found = pin_numbers(opened, panel, measure) if panel else [None] * len(places)
    return {f"pin_{n}": value for n, value in enumerate(found, 1)}


def csv_text(rows: list[dict[str, Any]]) -> str:
    """Rows of equal columns as CSV, under the names of the columns."""
    out = io.StringIO()
    table = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return out.getvalue()


def place_columns(opened: Drawable) -> dict[str, int]:
    """Where the query is, one column per number."""
    return dict(zip(("query_frame", "query_row", "query_column"), opened.place))


def numbers_json(opened: OpenView, progress: Progress | None = None) -> str:
    """The numbers as JSON: the state and its versions, what every measure is, and the numbers by mechanism.

    >>> from linviz.views import View, open_view
    >>> found = json.loads(numbers_json(open_view(View("coffee", patches=7, specs=("uniform",)))))
    >>> found["query"], found["mechanisms"][0]["mean"]["entropy"] == found["mechanisms"][0]["patch"]["entropy"]
    ([0, 3, 3], True)
    """
    every = view_numbers(opened, progress)
    return json_text(opened, {
        "measures": {name: _declared(name) for name in measure_names(opened)},
        "mechanisms": [_mechanism(opened, panel, title, every) for panel, title in zip(opened.panels, opened.titles)],
        **_compared(opened), **_pinned(opened),
        "left_out": dict(opened.left_out)})


def _compared(opened: OpenView) -> dict[str, Any]:
    """Where two mechanisms differ, if the view compares two: per patch, null where a row is empty."""
    if opened.view.compare is None:
        return {}
    found = view_divergence(opened)
    values = [None if x != x else x for x in found.values.tolist()]
    largest = None if found.largest is None else list(opened.grid.place(found.largest))
    return {"divergence": {"of": [opened.panels[n].key for n in opened.view.compare], "measure": found.measure.name,
                           **_declared(found.measure.name), "note": found.why, "mean": found.mean, "largest": largest,
                           "patches": values}}


def _pinned(opened: OpenView) -> dict[str, Any]:
    """The places of several pinned patches, and by mechanism every measure at each of them."""
    places = [list(place) for place in pin_places(opened)]
    numbers = {panel.key: {name: pin_numbers(opened, panel, name) for name in measure_names(opened)}
               for panel in opened.panels}
    return {"pinned": {"places": places, "mechanisms": numbers}} if places else {}


def json_text(opened: Drawable, numbers: dict[str, Any]) -> str:
    """The state of a view, its clip, its grid and its query as JSON, and then its numbers."""
    clip = opened.clip
    told = opened.to_json() | {
        "clip": {"title": clip.title, "author": clip.author, "licence": clip.licence, "source": clip.source},
        "grid": [opened.grid.T, opened.grid.Y, opened.grid.X], "query": list(opened.place), **numbers}
    if opened.keys != opened.grid:
        told["key_grid"] = [opened.keys.T, opened.keys.Y, opened.keys.X]
    return json.dumps(told, indent=1, allow_nan=False) + "\n"


def _declared(name: str) -> dict[str, str]:
    m = MEASURES[name]
    return {"title": m.title, "symbol": m.symbol, "unit": m.unit, "range": m.range, "source": m.source}


def _mechanism(opened: OpenView, panel: ViewPanel, title: str, every: list[Number]) -> dict[str, Any]:
    mine = [number for number in every if number.spec == panel.key]
    out = {"spec": panel.key, "title": title, "family": panel.family, "note": mine[0].note,
           "dead_rows": int(panel.reading.dead.sum()), "patch": {n.measure: n.patch for n in mine},
           "mean": {n.measure: n.mean for n in mine}}
    if panel.gate is not None:
        out["fit"] = {"steps": panel.gate["steps"][-1], "to": "softmax", "seed": opened.view.seed}
    return out


# ------------------------------------------------------------------------------------------------ as arrays


@torch.no_grad()
def weights_npz(opened: OpenView, whole: bool = False) -> bytes:
    """The weights themselves as NPZ without pickle: by spec the query's row (S,), or the whole map (N, S).

    Beside them `grid` (frames, rows, columns), `prefix` (tokens before it), `query` (frame, row, column) and `state`,
    JSON as text; `pins` (places) and the rows "SPEC, pins" where several are pinned; `divergence` (N,) where the view
    compares two mechanisms, NaN where a row is empty. A row folds to pictures by `row[prefix:].reshape(grid)`; where
    keys lie elsewhere, with `key_prefix` and `key_grid`. ValueError where whole maps are more than half a gigabyte.

    >>> from linviz.views import View, open_view
    >>> data = weights_npz(open_view(View("coffee", patches=7, specs=("uniform",))))
    >>> np.load(io.BytesIO(data))["uniform"].reshape(1, 7, 7).shape
    (1, 7, 7)
    """
    size = sum(4 * a.shape[0] * a.shape[1] for a in (panel.reading.map for panel in opened.panels))
    if whole and size > MOST:
        raise ValueError(f"the whole maps are {size / 1e9:.1f} GB and at most {MOST / 1e9:.1f} are written: take fewer "
                         "patches, frames or mechanisms, or the rows of one patch")
    arrays: dict[str, Any] = {
        panel.key: panel.map.dense()[0, 0] if whole else query_row(panel.map, opened.query) for panel in opened.panels}
    if opened.view.compare is not None:
        arrays["divergence"] = view_divergence(opened).values
    if places := pin_places(opened):
        arrays |= {"pins": np.array(places)} | {f"{panel.key}, pins": pin_rows(panel.map, opened)
                                                for panel in opened.panels}
    keys = opened.keys
    if keys != opened.grid:
        arrays |= {"key_grid": np.array([keys.T, keys.Y, keys.X]), "key_prefix": np.array(keys.prefix)}
    return npz_bytes(opened, prefix=np.array(opened.grid.prefix), **arrays)


def npz_bytes(opened: Drawable, **arrays: Any) -> bytes:
    """Arrays as NPZ without pickle; beside them the grid, the query and the state."""
    grid, out = opened.grid, io.BytesIO()
    np.savez_compressed(out, allow_pickle=False, grid=np.array([grid.T, grid.Y, grid.X]), query=np.array(opened.place),
                        state=np.array(json.dumps(opened.to_json(), allow_nan=False)), **arrays)
    return out.getvalue()
