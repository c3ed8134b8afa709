"""Measures of every row of a softmax map, without its table (goal G4)."""
from __future__ import annotations

from collections.abc import Callable
from math import log
from typing import Any

import torch
from torch import Tensor

from linviz import Grid, make, read

from .bench_inputs import draw_qkv
from .bench_races import Effort, largest_difference, run_race
from .bench_results import Cell, Result, Table
from .peak_memory import peak_mebibytes
from .peer_packages import MISSING, peer_module

WIDTH, PATCH, SPREAD = 64, 16.0, 3.0    # q is spread so that logits have this standard deviation
WANTED: dict[str, dict[str, Any]] = {"entropy": {}, "top_share": {"k": 8}, "distance": {"patch": PATCH},
                                     "participation": {}}
OVER_SOFTMAX, OVER_DENSE, MEMORY = 1.0, 2.5, 12


def bench_rowstats(effort: Effort) -> Result:
    """Entropy, share of the top 8, distance and participation of every row, against the same from a whole table."""
    result = Result("rowstats", "Measures of every row of a softmax map")
    grid = effort.pick(Grid(32, 14, 14), Grid(8, 14, 14), Grid(2, 4, 4))
    q, k, v = draw_qkv(len(grid), WIDTH, spread=SPREAD)
    m, peer = make("softmax", 1, WIDTH, grid), peer_module("attnspectra", effort.peers)
    for name, wanted in dense_statistics(q, k, grid).items():
        largest_difference(name, measured_rows(m, q, k, v)[name], wanted, rtol=1e-3)
    runs: dict[str, Callable[[], Any]] = {
        "the products q k^T alone": lambda: q @ k.mT, "their exponentials alone": (q @ k.mT).exp,
        "the table alone, torch.softmax(q k^T)": lambda: softmax_table(q, k),
        "the four measures from a table": lambda: dense_statistics(q, k, grid),
        "linviz, the four measures": lambda: measured_rows(m, q, k, v),
        "linviz, summary(spectrum=False): seven": lambda: read(m, q, k, v).summary(spectrum=False)}
    if peer is not None:
        runs["attnspectra, entropy alone, with its table"] = lambda: peer.attention_entropy(softmax_table(q, k))
    else:
        result.notes.append(MISSING)
    _report(result, runs, effort, grid)
    return result


def _report(result: Result, runs: dict[str, Callable[[], Any]], effort: Effort, grid: Grid) -> None:
    race, names = run_race(runs, effort.rounds), list(runs)
    products, exponentials, *names = names
    ratio = race.ratio(names[2], names[0])
    rows: list[list[Cell]] = [[name, race.milliseconds(name), race.ratio(name, names[0])] for name in runs]
    result.tables.append(Table(f"One head, {len(grid):,} tokens", ["what", "ms", "of the table alone"], rows))
    result.goal("G4", "time of the four measures, as a part of the table alone", ratio, OVER_SOFTMAX, least=False)
    result.notes.append(floor_sentence(race.median(products), race.median(exponentials), race.median(names[2])))
    result.goal("G4", "faster than the four measures from a table", race.ratio(names[1], names[2]), OVER_DENSE)
    if effort.memory:
        peak = peak_mebibytes("benchmarks.streamed_statistics:statistics_call", frames=grid.T, heads=12)
        result.goal("G4", f"peak memory, {len(grid):,} tokens, 12 heads", peak, MEMORY, least=False, unit="MiB",
                    why="the system does not say how much memory was used")


def floor_sentence(products: float, exponentials: float, measures: float) -> str:
    """What no road can leave out.

    >>> floor_sentence(0.1, 0.1, 0.4)
    'Products and exponentials, which nothing can leave out, take 50 % of the time of the four measures.'
    """
    share = 100 * (products + exponentials) / measures
    return (f"Products and exponentials, which nothing can leave out, take {share:.0f} % of the time of the four "
            "measures.")


def measured_rows(m: Any, q: Tensor, k: Tensor, v: Tensor) -> dict[str, Tensor]:
    """The four measures of every row, by linviz, in one walk over the rows."""
    reading = read(m, q, k, v)
    reading.measure(WANTED)
    return {name: reading.rows(name, **options) for name, options in WANTED.items()}


def softmax_table(q: Tensor, k: Tensor) -> Tensor:
    """The whole table of weights."""
    return torch.softmax(q @ k.mT * q.shape[-1] ** -0.5, -1)


def dense_statistics(q: Tensor, k: Tensor, grid: Grid) -> dict[str, Tensor]:
    """The same four measures of the whole table, by torch alone."""
    a, where = softmax_table(q, k), grid.centres(PATCH)
    return {"entropy": torch.special.entr(a).sum(-1) / log(2), "top_share": a.topk(8, sorted=False).values.sum(-1),
            "distance": (a * torch.cdist(where, where)).sum(-1), "participation": 1 / a.square().sum(-1)}


def statistics_call(frames: int, heads: int) -> Callable[[], Any]:
    """A call for `peak_memory`."""
    grid = Grid(frames, 14, 14)
    q, k, v = draw_qkv(len(grid), WIDTH, heads, spread=SPREAD)
    m = make("softmax", heads, WIDTH, grid)
    return lambda: measured_rows(m, q, k, v)
