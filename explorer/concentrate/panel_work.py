"""From a choice to what is drawn: pictures, tokens, maps, fits and the blob of the view. No widget stands here.

What is quick is made when asked for and cached on plain values; what is slow (fits, means over all rows, spectra
of maps without factors) is done by a `Job`, and until then there is a stand-in. Cached things are never changed.
"""
from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import get_native_id
from typing import Any, Literal

import streamlit as st
import torch
from torch import Tensor

import linviz
from linviz import Grid, spectra
from linviz import views as record
from linviz.maps import Factored
from linviz.mechanisms import Attention
from linviz.models import Fit, fit_gate
from linviz.patch_view import Panel, asked, fitted, pack
from linviz.patch_view.wires import numbers
from linviz.views.row_stats import measured, of_all, softmax_like, told_apart

from ..shared.jobs import Job, Report, Shelf
from .choice import Choice
from .scenes import Key, Scene, scene

HEAD_START = 0.1  # seconds the page has to be drawn before a fit takes its share of the processor
SHELF = Shelf(most=192)  # ten visitors have about 120 at once
UPRIGHT, NARROW, GAP = 500, 250, 15  # pixels: an upright picture's height, the width that its numbers need, the gap
BESIDE = 640  # pixels: in less, the view does not set panels side by side
TABLE = 1568  # tokens: above, a map that can only travel as its whole table is not shown
def _stand_back() -> None:
    """Let this thread take no more of the processors than pages leave, where the system can say so."""
    if sys.platform == "linux":  # elsewhere a priority is a whole process's
        os.setpriority(os.PRIO_PROCESS, get_native_id(), 10)


# One thread each: Python runs one at a time, and each more makes a page wait longer for its turn. What takes minutes
# has its own, and holds up nothing that takes seconds.
FITS, LONG_FITS, READINGS = (ThreadPoolExecutor(1, name) for name in ("fit", "long fit", "read"))
LONG = ThreadPoolExecutor(1, "long", _stand_back)
LONG_FIT = 1_000_000  # tokens times steps: what is more takes longer than half a minute


@dataclass(frozen=True, eq=False)
class Shown(record.Shown):
    """One panel: its title and numbers. `key` names all that it depends on.

    A panel with `waiting` stands in for one whose gate is not fitted yet: its numbers are not to be read.
    """

    key: Key = ()
    waiting: bool = False

    @property
    def mechanism(self) -> Attention:
        """What the panel shows."""
        return self.reading.mechanism


def shelf(here: Scene) -> Shelf:
    """Where results of a scene are kept: with those of all visitors, or in the visit that brought the file."""
    return SHELF if here.shelf is None else here.shelf


def make(spec: str, here: Scene, seed: int = 0) -> Attention:
    """The mechanism of a spec for a scene."""
    wide, given = here.q.shape[-1], here.v.shape[-1]
    other = {} if given == wide else {"value_width": given}
    return linviz.make(spec, heads=1, width=wide, grid=here.grid, seed=seed, causal=here.causal, **other)


@st.cache_resource(max_entries=256, show_spinner=False)
def table(spec: str, moving: bool, causal: bool = False) -> bool:
    """Whether a map of this spec can only travel as its whole table: tried on a few tokens."""
    grid = Grid(2 if moving else 1, 7, 13)  # more tokens than channels, landmarks or learned lengths
    x = torch.randn(1, 1, len(grid), 18 if moving else 16)
    mechanism = linviz.make(spec, heads=1, width=x.shape[-1], grid=grid, causal=causal)
    a = linviz.read(mechanism, x, x, x).whole
    wire = numbers((a.channel(0) if a.shared is None else a.shared).wire((0, 0)))
    return any(x.shape[-2:] == (len(grid), len(grid)) for x in _arrays(wire))


def _arrays(wire: Any) -> Iterator[Any]:
    inner = wire.values() if isinstance(wire, dict) else wire if isinstance(wire, list) else ()
    for x in inner:
        yield from [x] if hasattr(x, "shape") else _arrays(x)


# ------------------------------------------------------------------------------------------------ panels


def fit_key(spec: str, here: Scene, choice: Choice) -> Key:
    """What a fit depends on."""
    return ("fit", *here.key, spec, choice.steps, choice.seed)


def fitting(spec: str, here: Scene, choice: Choice) -> Job:
    """Begin the fit of a spec's gate to the softmax map of the same queries and keys, in the same scope."""
    key = fit_key(spec, here, choice)

    def task(report: Report) -> Fit:
        time.sleep(HEAD_START)
        mechanism, qkv = make(spec, here, choice.seed), (here.q, here.k, here.v)
        with torch.no_grad():
            target = make(softmax_like(spec), here).map(*qkv)
        return fit_gate(mechanism, target, *qkv, steps=choice.steps, seed=choice.seed, progress=report)
    pool = LONG_FITS if len(here.grid) * choice.steps > LONG_FIT else FITS
    return Job(task, pool, lambda fit: shelf(here).put(key, fit))


def plain(spec: str, here: Scene) -> Shown:
    """A panel that needs no fit: made once for all visitors, or, of somebody's own file, once in the visit."""
    if here.shelf is None:
        return sample(spec, *here.key)
    shown: Shown | None = here.shelf.get(key := ("plain", spec, *here.key))
    if shown is None:
        here.shelf.put(key, shown := ungated(spec, here))
    return shown


@st.cache_resource(max_entries=24, show_spinner=False)
def sample(spec: str, *key: Any) -> Shown:
    """A panel of the sample scene of that key that needs no fit."""
    return ungated(spec, scene(*key))


def ungated(spec: str, here: Scene) -> Shown:
    """A mechanism measured on a scene; a gate in it is held at one half: no gate at all."""
    mechanism = make(spec, here)
    if mechanism.gate is not None:
        mechanism.gate.hold(0.5)
    reading, title = measured(mechanism, here.q, here.k, here.v, here.causal)
    return Shown(title, reading, key=("plain", spec, *here.key))


def stand_in(spec: str, here: Scene, word: str) -> Shown:
    """A panel whose gate is not fitted: held at one half, and its title says so."""
    shown = plain(spec, here)
    return replace(shown, key=("waiting", spec, *here.key), waiting=True, title=f"{shown.title}, {word}")


def after(fit: Fit, key: Key, here: Scene) -> Shown:
    """A panel whose gate is fitted, or was stopped on the way."""
    key = ("shown", *key, fit.steps)  # with its seed, a fit is the same at the same step
    shown: Shown | None = shelf(here).get(key)
    if shown is None:
        reading, title = measured(fit.mechanism, here.q, here.k, here.v, here.causal)
        title += f", stopped at step {fit.steps}" if fit.cancelled else ", fitted"
        shown = Shown(title, reading, fitted(fit, here.q, here.k, here.v), key)
        shelf(here).put(key, shown)
    return shown


def titles(panels: list[Shown]) -> list[str]:
    """What to call the panels: by their specs where two would have one title."""
    return told_apart([shown.title for shown in panels], [shown.spec for shown in panels])


def blob(panels: list[Shown], titles: list[str], here: Scene, intro: bool, wish: dict[str, Any]) -> bytes:
    """What the view draws, and what is asked of it (`hand.Hand.wish`), which is not kept with it."""
    key = ("blob", *(shown.key for shown in panels), *titles, *here.key, intro)
    found: bytes | None = shelf(here).get(key)
    if found is None:
        drawn = [Panel(title, shown.family, shown.reading.map, gate=shown.gate)
                 for shown, title in zip(panels, titles)]
        found = pack(drawn, here.picture, here.grid, query=here.query, intro=intro, tracks=here.tracks)
        shelf(here).put(key, found)
    return asked(found, here.grid, **wish)


def wide(grid: Grid, panels: int) -> int | Literal["stretch"]:
    """Pixels across for panels side by side: all there are, or, of an upright picture, no more than fit a screen.

    >>> wide(Grid(1, 14, 14), 3), wide(Grid(8, 16, 9), 3), wide(Grid(8, 16, 9), 2)
    ('stretch', 888, 640)
    """
    if grid.X >= grid.Y:
        return "stretch"
    return max(BESIDE, panels * max(NARROW, UPRIGHT * grid.X // grid.Y + GAP))


# ------------------------------------------------------------------------------------------------ numbers


@torch.no_grad()
def spectrum(report: Report | None, shown: Shown) -> dict[str, Any]:
    """Everything the spectrum panel draws of one map, raw and with the mean row removed.

    Asked of the map itself: up to Python 3.11 a cached property holds one lock for all readings, and one long
    spectrum would hold up every short one.
    """
    a = shown.reading.map
    return {"bound": a.rank_bound, "raw": _said(a.singular_values()[0, 0], a.tolerance),
            "centred": _said(a.centred().singular_values()[0, 0], a.tolerance)}


def _said(s: Tensor, tolerance: float) -> dict[str, Any]:
    return {"s": s.tolist(), "cumulative": spectra.cumulative(s, 1).tolist(),
            "energy": spectra.cumulative(s, 2).tolist(), "tolerance": tolerance, "zero": tolerance * s[0].item(),
            "numerical_rank": spectra.numerical_rank(s, tolerance).item(),
            "effective_rank": spectra.effective_rank(s).item()}


def factored(shown: Shown) -> bool:
    """Whether the spectrum comes from thin factors, in a few milliseconds at any size."""
    return isinstance(shown.reading.map, Factored)


@torch.no_grad()
def means(report: Report, shown: Shown, here: Scene) -> dict[str, float] | None:
    """The mean over all rows of every measure of the table; None where `report` says that nobody waits any more."""
    return of_all(shown.reading, here.places, lambda done, of: report(done, of, 0.0))
