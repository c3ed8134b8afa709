"""What the page Heads shows: the picture of all heads, sentences, and what another mechanism changes."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from linviz.capture.capture_result import describe_bytes
from linviz.capture.head_numbers import Numbers, number_title
from linviz.capture.head_statistics import HeadUnder
from linviz.figures.head_changes import HeadChange
from linviz.measure import MEASURES
from linviz.patch_view import module_source
from linviz.patch_view.blob import encode_blob
from linviz.patch_view.wires import scaled_half

from ..shared.number_tables import SCROLLED, three_digits
from .head_work import whole_numbers
from .heads_state import HeadsView
from .shown_heads import ShownHeads, head_address

HERE = Path(__file__).parent
_component = st.components.v2.component("linviz_heads", js=module_source("heads.js", HERE / "heads_host.js"))
COLUMNS = ("heads", "entropy, bits", "under it, bits", "error of A v")


def heads_view(view: HeadsView, shown: ShownHeads, key: str, on_query: Callable[[], None]) -> tuple[int, int] | None:
    """Show all heads; layer and head whose name was clicked. A click on a picture sets `session_state[key].query`."""
    found = _component(data=heads_bytes(view, shown), key=key, on_query_change=on_query, on_opened_change=_nothing)
    opened = found.opened
    return None if not opened else (int(opened["number"]), int(opened["head"]))


def _nothing() -> None:
    """Streamlit keeps the trigger only if a callback is given."""


def heads_bytes(view: HeadsView, shown: ShownHeads) -> bytes:
    """What the picture of all heads is drawn from: the rows of the query, half a number each."""
    patch = shown.patch(view.query)
    title = "being computed:" if view.whole and whole_numbers(shown) is None else ""
    content = shown.pictures | {
        "heads": head_contents(view, shown, patch), "query": patch, "by": view.statistic, "sort": view.sort,
        "pictures": str(shown.key), "statistics": [{"name": view.statistic, "title": title, "unit": ""}]}
    return encode_blob(content, {})


def head_contents(view: HeadsView, shown: ShownHeads, patch: int) -> list[dict[str, Any]]:
    """Every head: its row, the number under it, and where it is shown large."""
    rows, made = shown.rows_of(patch), []
    for n, layer in shown.layers.items():
        values = shown_numbers(view, shown, n, rows[n][1])[view.statistic]
        stochastic = layer.table is None or layer.map().stochastic
        page, parameters = shown.layer_link(n, patch)
        for h in range(layer.heads):
            made.append({"layer": f"layer {n}", "number": n, "head": h + 1, "name": layer.name,
                         "prefix": layer.grid.prefix, "stochastic": stochastic,
                         "row": scaled_half(np.asarray(rows[n][0][h].float())),
                         "statistics": {view.statistic: values[h]},
                         "link": head_address(page, parameters | {"head": str(h + 1)})})
    return made


def shown_numbers(view: HeadsView, shown: ShownHeads, number: int, of_row: Numbers) -> Numbers:
    """The numbers of a layer that stand under its heads; None for each that is not computed yet."""
    if not view.whole:
        return of_row
    whole = whole_numbers(shown)
    if whole is None or number not in whole:
        return {view.statistic: [None] * shown.layers[number].heads}
    return whole[number]


def heads_heading(view: HeadsView, shown: ShownHeads) -> str:
    """What to see: between which numbers the heads lie."""
    rows = shown.rows_of(shown.patch(view.query))
    found = {(n, h): x for n in shown.layers for h, x in enumerate(
        shown_numbers(view, shown, n, rows[n][1])[view.statistic], 1) if x is not None}
    if not found:
        return f"{len(shown.layers)} layers of {shown.title}"
    least, most = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
    title = number_title(view.statistic).partition(" (")[0].capitalize()
    ends = [f"{three_digits(found[at])} (layer {at[0]}, head {at[1]})" for at in (least, most)]
    return f"{title}: from {ends[0]} to {ends[1]}"


def memory_sentence(shown: ShownHeads) -> str:
    """How much memory all maps would take, and how much is kept.

    An exact map is kept whole, so then both numbers are alike.
    """
    kept, maps = shown.capture.size
    return f"All maps of all heads would take {describe_bytes(maps)}; {describe_bytes(kept)} are kept."


def statistic_note(view: HeadsView) -> str:
    """Of what the numbers are, and where the definition comes from."""
    of = "Numbers are means over all rows." if view.whole else "Numbers are those of the query's row."
    source = MEASURES[view.statistic].source if view.statistic in MEASURES else ""
    return f"{of} {number_title(view.statistic).capitalize()}{f': {source}' if source else ''}."


# ------------------------------------------------------------------------------------------------ another mechanism


def head_changes(rows: Mapping[int, list[HeadUnder]]) -> list[HeadChange]:
    """What the chart draws: every head with an entropy before and after."""
    return [HeadChange(n, one.head, one.after - one.before, one.error) for n, heads in rows.items()
            for one in heads if one.before is not None and one.after is not None]


def changes_table(rows: Mapping[int, list[HeadUnder]]) -> str:
    """The same as an HTML table, the mean over the heads of each layer."""
    heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in COLUMNS)
    body = "".join(f'<tr><th scope="row">layer {n}</th>{"".join(f"<td>{cell}</td>" for cell in _cells(found))}</tr>'
                   for n, found in rows.items())
    return (f'<div class="linviz-numbers" {SCROLLED} style="--columns:{len(COLUMNS)}"><table><thead><tr><td></td>'
            f"{heads}</tr></thead><tbody>{body}</tbody></table></div>")


def _cells(found: list[HeadUnder]) -> list[str]:
    columns: list[list[float | None]] = [[one.before for one in found], [one.after for one in found],
                                         [one.error for one in found]]
    means = [sum(there) / len(there) if (there := [x for x in column if x is not None]) else float("nan")
             for column in columns]
    return [str(len(found)), *map(three_digits, means)]
