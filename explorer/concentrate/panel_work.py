"""From a view to what is drawn: panels, fits, spectra, means, and the blob of the live view. No widget stands here.

What is quick is made when it is asked for, and cached on plain values. What is slow is done by a `Job`: fits, means
over all rows, spectra of maps without factors. Until then there is a placeholder. Cached things are never changed.
"""
from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import get_native_id
from typing import Any, Literal

import streamlit as st
import torch
from torch import Tensor

import linviz
from linviz import Grid, spectra
from linviz.maps import Factored
from linviz.models import Fit
from linviz.patch_view import Panel, blob_with_state, pack
from linviz.patch_view.wires import wire_arrays
from linviz.views import Look, View
from linviz.views.panel_options import panel_text
from linviz.views.panel_steps import fit_panel, is_weakened, measure_panel, ungated_panel, weaken_panel
from linviz.views.row_stats import distinct_titles, mean_statistics
from linviz.views.state import STRENGTHS
from linviz.views.view_panels import ViewPanel

from ..shared.background_jobs import Job, Report, ResultCache
from ..shared.scenes import Key, KeyedPanel, Scene, sample_scene

HEAD_START = 0.1  # seconds the page has to be drawn before a fit takes its share of the processor
RESULTS = ResultCache(most=192)  # ten visitors have about 120 at once
UPRIGHT, NARROW, GAP = 500, 250, 15  # pixels: an upright picture's height, the width that its numbers need, the gap
BESIDE = 640  # pixels: in less, the view does not set panels side by side
LONG_FIT = 1_000_000  # tokens times steps: what is more takes longer than half a minute


def _lower_priority() -> None:
    """Let this thread take no more of the processors than pages leave, where the system can say so."""
    if sys.platform == "linux":  # elsewhere a priority is a whole process's
        os.setpriority(os.PRIO_PROCESS, get_native_id(), 10)


# One thread each: Python runs one at a time, and each more makes a page wait longer for its turn. What takes minutes
# has its own, and holds up nothing that takes seconds.
FITS, LONG_FITS, READINGS = (ThreadPoolExecutor(1, name) for name in ("fit", "long fit", "read"))
LONG = ThreadPoolExecutor(1, "long", _lower_priority)


def keyed_panel(panel: ViewPanel, key: Key) -> KeyedPanel:
    """A panel with its key."""
    return KeyedPanel(panel.title, panel.reading, panel.gate, panel.options, key)


def scene_results(here: Scene) -> ResultCache:
    """Where results of a scene are kept: with those of all visitors, or in the visit that brought the file."""
    return RESULTS if here.results is None else here.results


@st.cache_resource(max_entries=256, show_spinner=False)
def travels_as_table(spec: str, options: Mapping[str, Any], moving: bool, causal: bool = False) -> bool:
    """Whether a map of this spec can only travel as its whole table: tried on a few tokens."""
    grid = Grid(2 if moving else 1, 7, 13)  # more tokens than channels, landmarks or learned lengths
    x = torch.randn(1, 1, len(grid), 18 if moving else 16)
    mechanism = linviz.make(spec, heads=1, width=x.shape[-1], grid=grid, causal=causal, **options)
    a = linviz.read(mechanism, x, x, x).whole
    wire = wire_arrays((a.channel(0) if a.shared is None else a.shared).wire((0, 0)))
    return any(x.shape[-2:] == (len(grid), len(grid)) for x in _arrays(wire))


def _arrays(wire: Any) -> Iterator[Any]:
    inner = wire.values() if isinstance(wire, dict) else wire if isinstance(wire, list) else ()
    for x in inner:
        yield from [x] if hasattr(x, "shape") else _arrays(x)


# ------------------------------------------------------------------------------------------------ panels


def fit_key(text: str, here: Scene, view: View) -> Key:
    """What a fit depends on."""
    return ("fit", *here.key, text, view.steps, view.seed)


def start_fit(spec: str, options: Mapping[str, Any], here: Scene, view: View) -> Job:
    """Begin the fit of a spec's gate to the softmax map of the same queries and keys, in the same scope."""
    key = fit_key(panel_text(spec, options), here, view)

    def task(report: Report) -> Fit:
        time.sleep(HEAD_START)
        return fit_panel(spec, here, view.steps, view.seed, options, report)
    pool = LONG_FITS if len(here.grid) * view.steps > LONG_FIT else FITS
    return Job(task, pool, lambda fit: scene_results(here).put(key, fit))


def plain_panel(spec: str, options: Mapping[str, Any], here: Scene) -> KeyedPanel:
    """A panel that needs no fit: made once for all visitors, or, of a person's own file, once in the visit."""
    if here.results is None:
        return _sample_panel(spec, options, *here.key)
    key = ("plain", panel_text(spec, options), *here.key)
    return here.results.keep(key, lambda: keyed_panel(ungated_panel(spec, here, options), key))


@st.cache_resource(max_entries=24, show_spinner=False)
def _sample_panel(spec: str, options: Mapping[str, Any], *key: Any) -> KeyedPanel:
    """A panel of the sample scene of that key that needs no fit."""
    return keyed_panel(ungated_panel(spec, sample_scene(*key), options), ("plain", panel_text(spec, options), *key))


def placeholder_panel(spec: str, options: Mapping[str, Any], here: Scene, word: str) -> KeyedPanel:
    """A panel whose gate is not fitted: it is constant, and the title says so."""
    panel = plain_panel(spec, options, here)
    return replace(panel, result_key=("waiting", panel.key, *here.key), waiting=True, title=f"{panel.title}, {word}")


def fitted_panel(fit: Fit, options: Mapping[str, Any], key: Key, here: Scene) -> KeyedPanel:
    """A panel whose gate is fitted, or was stopped on the way."""
    key = ("shown", *key, fit.steps)  # with its seed, a fit is the same at the same step
    return scene_results(here).keep(key, lambda: keyed_panel(measure_panel(fit.mechanism, here, fit, options), key))


def panels_at(panels: Sequence[KeyedPanel], look: Look, here: Scene) -> list[KeyedPanel]:
    """The panels at the strengths of a look: what the table, the charts and the files show."""
    return [_panel_at(panel, look, here) for panel in panels]


def _panel_at(panel: KeyedPanel, look: Look, here: Scene) -> KeyedPanel:
    if panel.waiting or not is_weakened(panel, look):
        return panel
    key = ("strengths", *(getattr(look, name) for name in STRENGTHS), *panel.result_key)
    return scene_results(here).keep(key, lambda: keyed_panel(weaken_panel(panel, look), key))


def panel_titles(panels: Sequence[KeyedPanel]) -> list[str]:
    """What to call the panels: by their specs where two would have one title."""
    return distinct_titles([panel.title for panel in panels], [panel.key for panel in panels])


def view_blob(panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene, intro: bool,
              words: dict[str, Any]) -> bytes:
    """What the live view draws, and what is asked of it (`LiveState.words`), which is not kept with it."""
    key = ("blob", *(panel.result_key for panel in panels), *titles, *here.key, intro)
    drawn = [Panel(title, panel.family, panel.map, gate=panel.gate, keys=here.key_grid)
             for panel, title in zip(panels, titles)]
    found = scene_results(here).keep(key, lambda: pack(drawn, here.picture, here.grid, query=here.query, intro=intro,
                                                       tracks=here.tracks))
    return blob_with_state(found, here.grid, **words)


def view_width(grid: Grid, panels: int) -> int | Literal["stretch"]:
    """Pixels across for panels side by side: all there are, or, of an upright picture, no more than fit a screen.

    >>> view_width(Grid(1, 14, 14), 3), view_width(Grid(8, 16, 9), 3), view_width(Grid(8, 16, 9), 2)
    ('stretch', 888, 640)
    """
    if grid.X >= grid.Y:
        return "stretch"
    return max(BESIDE, panels * max(NARROW, UPRIGHT * grid.X // grid.Y + GAP))


# ------------------------------------------------------------------------------------------------ numbers


@torch.no_grad()
def spectrum(report: Report | None, panel: KeyedPanel) -> dict[str, Any]:
    """Everything the spectrum panel draws of one map, raw and with the mean row removed.

    The map itself computes it. Up to Python 3.11 a cached property holds one lock for all readings, so one long
    spectrum would hold up every short one.
    """
    a = panel.reading.map
    return {"bound": a.rank_bound, "raw": _spectrum_numbers(a.singular_values()[0, 0], a.tolerance),
            "centred": _spectrum_numbers(a.centred().singular_values()[0, 0], a.tolerance)}


def _spectrum_numbers(s: Tensor, tolerance: float) -> dict[str, Any]:
    return {"s": s.tolist(), "cumulative": spectra.cumulative_share(s, 1).tolist(),
            "energy": spectra.cumulative_share(s, 2).tolist(), "tolerance": tolerance, "zero": tolerance * s[0].item(),
            "numerical_rank": spectra.numerical_rank(s, tolerance).item(),
            "effective_rank": spectra.effective_rank(s).item()}


def is_factored(panel: KeyedPanel) -> bool:
    """Whether the spectrum comes from thin factors, in a few milliseconds at any size."""
    return isinstance(panel.reading.map, Factored)


@torch.no_grad()
def means(report: Report, panel: KeyedPanel, here: Scene) -> dict[str, float] | None:
    """The mean over all rows of every measure of the table; None where `report` says that nobody waits any more."""
    return mean_statistics(panel.reading, here.measure_options, lambda done, of: report(done, of, 0.0))
