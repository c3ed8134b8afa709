"""What a moving pointer asks for: one row of a map with 12,544 tokens, and its measures."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from linviz import Grid, make, names
from linviz.views.row_stats import measure_options, row_statistics

from .bench_races import Effort, run_race
from .bench_results import Result, Table

HEADS, WIDTH = 1, 16
SLOWEST = 1.0       # seconds to make a map, beyond which nobody hovers over it


def bench_hover(effort: Effort) -> Result:
    """One row of every name on 16 frames of 28 x 28 patches, and its measures."""
    result = Result("hover", "One row while the pointer moves")
    grid = effort.pick(Grid(16, 28, 28), Grid(4, 28, 28), Grid(2, 3, 3))
    rows, left_out = [], []
    for name in effort.pick(names(), ["softmax", "linear", "delta"], ["softmax", "linear"]):
        race = race_rows(name, grid, min(effort.rounds, 5))
        if race is None:
            left_out.append(name)
        else:
            rows.append([name, *race])
    rows.sort(key=lambda row: row[1])
    result.tables.append(Table(f"{len(grid):,} tokens, one head, width {WIDTH}",
                               ["mechanism", "a row of the map, ms", "the row with its measures, ms"], rows))
    options = ", ".join(measure_options(grid))
    result.notes.append(f"The measures are those of the page, with {options}. A pointer at 60 events a second leaves "
                        "16.7 ms for each.")
    if left_out:
        result.notes.append(f"Left out, since their map alone takes more than {SLOWEST:g} s: {', '.join(left_out)}.")
    return result


def race_rows(name: str, grid: Grid, rounds: int) -> tuple[float, float] | None:
    """Median milliseconds of a row, and of a row with its measures; None if the map takes too long."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, HEADS, len(grid), WIDTH, generator=generator)
    m, query = make(name, HEADS, WIDTH, grid), len(grid) // 2
    with torch.no_grad():
        began, whole = time.process_time(), m.map(q, k, v)
        if time.process_time() - began > SLOWEST:
            return None
        a = whole.channel(0) if whole.shared is None else whole.shared
        assert a is not None
        runs: dict[str, Callable[[], Any]] = {"row": lambda: a.rows([query]),
                                              "measures": lambda: row_statistics(a, query, grid)}
        race = run_race(runs, rounds)
    return race.milliseconds("row"), race.milliseconds("measures")
