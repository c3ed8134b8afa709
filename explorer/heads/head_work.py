"""Work on all rows of all heads, in the background: statistics, and what another mechanism changes."""
from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import streamlit as st

from linviz.capture.head_numbers import Numbers, layer_numbers
from linviz.capture.head_statistics import HeadUnder, layer_under

from ..shared.background_jobs import Job, JobList, Report
from .heads_state import AS_IT_IS, HeadsView
from .shown_heads import ShownHeads

POOL = ThreadPoolExecutor(1, "heads")
WHOLE = "all rows"  # the key of the numbers over all rows


def whole_numbers(shown: ShownHeads) -> dict[int, Numbers] | None:
    """The numbers over all rows by layer; None while they are not there."""
    found: dict[int, Numbers] | None = shown.results.get(WHOLE)
    return found


def changed_heads(shown: ShownHeads, spec: str) -> tuple[dict[int, list[HeadUnder]], dict[int, str]] | None:
    """All heads under another mechanism by layer, and why others cannot be; None while it is not computed."""
    found: tuple[dict[int, list[HeadUnder]], dict[int, str]] | None = shown.results.get(("under", spec))
    return found


def head_jobs() -> JobList:
    """The work of this visitor."""
    found: JobList = st.session_state.setdefault("heads_jobs", JobList())
    return found


def begin_work(view: HeadsView, shown: ShownHeads) -> None:
    """Begin what this view needs and is not there yet; stop what no view needs any more."""
    wanted: dict[Hashable, Callable[[], Job]] = {}
    if view.whole and whole_numbers(shown) is None:
        wanted[shown.key, WHOLE] = partial(_begin, shown, WHOLE, partial(_every_number, shown))
    if view.under != AS_IT_IS and changed_heads(shown, view.under) is None:
        wanted[shown.key, view.under] = partial(_begin, shown, ("under", view.under),
                                                partial(_every_change, shown, view.under))
    head_jobs().want(wanted)


def _begin(shown: ShownHeads, key: Hashable, task: Callable[[Report], Any]) -> Job:
    return Job(task, POOL, partial(shown.results.put, key))


def _every_number(shown: ShownHeads, report: Report) -> dict[int, Numbers]:
    found: dict[int, Numbers] = {}
    for done, (n, layer) in enumerate(shown.layers.items()):
        if not report(done, len(shown.layers), 0.0):
            break
        found[n] = layer_numbers(layer)
    return found


def _every_change(shown: ShownHeads, spec: str,
                  report: Report) -> tuple[dict[int, list[HeadUnder]], dict[int, str]]:
    found, left_out = dict[int, list[HeadUnder]](), dict[int, str]()
    for done, (n, layer) in enumerate(shown.layers.items()):
        if not report(done, len(shown.layers), 0.0):
            break
        try:
            found[n] = layer_under(spec, layer)
        except ValueError as error:
            left_out[n] = str(error)
    return found, left_out
