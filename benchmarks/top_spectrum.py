"""The largest singular values of a softmax map, without its table (goal G3)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, svds
from torch import Tensor

from linviz.maps import Map

from .bench_inputs import draw_qkv, make_line
from .bench_races import Effort, largest_difference, run_race
from .bench_results import Result, Table
from .peak_memory import peak_mebibytes

TOP, WIDTH = 16, 64
QUICK = 3000    # tokens up to which the exact values are computed in float64
SIZES = ((2048, None), (6272, 20))      # N, and how many times faster than svdvals
OVER_SCIPY, ERROR, PROMISED, MEMORY = 10, 1e-5, 1e-6, 60
COLUMNS = ["N", "svdvals, ms", "linviz, ms", "svdvals / linviz", "scipy svds / linviz", "largest relative error"]


def bench_topk(effort: Effort) -> Result:
    """The first 16 singular values: `Map.singular_values(top=16)` against svdvals of the table and scipy's svds."""
    result = Result("topk", "The largest singular values of a softmax map")
    sizes = effort.pick(SIZES, ((1024, None),), ((64, 1),))
    rows = [_compare_top(result, effort, tokens, goal) for tokens, goal in sizes]
    result.tables.append(Table(f"The first {TOP}, one head, logits with standard deviation 1", COLUMNS, rows))
    if effort.memory:
        tokens = sizes[-1][0]
        peak = peak_mebibytes("benchmarks.top_spectrum:top_call", tokens=tokens)
        result.goal("G3", f"peak memory at N = {tokens:,}", peak, MEMORY, least=False, unit="MiB",
                    why="the system does not say how much memory was used")
    result.notes.append("svdvals is timed on a table in float32 that exists already; linviz and scipy make the rows.")
    return result


def _compare_top(result: Result, effort: Effort, tokens: int, goal: float | None) -> list[Any]:
    top = min(TOP, tokens // 4)
    a = make_line("softmax", tokens, WIDTH).map(*draw_qkv(tokens, WIDTH))
    table = a.dense()
    exact = torch.linalg.svdvals(table.double() if tokens < QUICK else table)[..., :top].double()
    found = a.singular_values(top=top)
    largest_difference("singular values", found, exact, rtol=1e-4)
    error = ((found - exact).abs() / exact).max().item()
    runs: dict[str, Callable[[], Any]] = {"svdvals": lambda: torch.linalg.svdvals(table),
                                          "linviz": lambda: a.singular_values(top=top)}
    if goal is None:
        runs["scipy"] = lambda: scipy_values(a, top)
    race = run_race(runs, effort.rounds, warm={"svdvals": 1} if tokens > QUICK else {})
    ratio, scipy_ratio = race.ratio("svdvals", "linviz"), race.ratio("scipy", "linviz") if goal is None else None
    _add_goals(result, tokens, (ratio, goal), scipy_ratio, error, ((found - exact).abs().max() / exact.max()).item())
    return [tokens, race.milliseconds("svdvals"), race.milliseconds("linviz"), ratio, scipy_ratio, error]


def _add_goals(result: Result, tokens: int, speed: tuple[Any, float | None], scipy_ratio: Any, error: float,
               of_largest: float) -> None:
    where = f"first {TOP} at N = {tokens:,}"
    if speed[1] is not None:
        result.goal("G3", f"{where}: faster than svdvals in float32", speed[0], speed[1])
        result.goal("G3", f"{where}: largest relative error", error, ERROR, least=False, unit="")
    else:
        result.goal("G3", f"{where}: faster than scipy's svds", scipy_ratio, OVER_SCIPY)
        result.goal("G3", f"{where}: true error, as a part of the largest, is below what is promised", of_largest,
                    PROMISED, least=False, unit="")


def scipy_values(a: Map, top: int) -> np.ndarray:
    """scipy's svds of the same map, as an operator that makes rows in blocks, as linviz does."""
    def times(x: np.ndarray) -> np.ndarray:
        column = torch.as_tensor(x, dtype=torch.float32).view(-1, 1)
        return torch.cat([(rows[0, 0] @ column) for _, rows in a.walk()]).numpy()

    def transposed_times(y: np.ndarray) -> np.ndarray:
        column = torch.as_tensor(y, dtype=torch.float32).view(-1, 1)
        return sum((rows[0, 0].mT @ column[i] for i, rows in a.walk()), torch.zeros(())).numpy()
    operator = LinearOperator(a.shape, matvec=times, rmatvec=transposed_times, dtype=np.float32)
    values: np.ndarray = svds(operator, k=top, return_singular_vectors=False)
    return values


def top_call(tokens: int) -> Callable[[], Tensor]:
    """A call for `peak_memory`."""
    a = make_line("softmax", tokens, WIDTH).map(*draw_qkv(tokens, WIDTH))
    return lambda: a.singular_values(top=TOP)
