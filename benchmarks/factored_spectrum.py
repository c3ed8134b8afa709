"""The exact spectrum of linear attention from its factors, beside the SVD of the whole table (goals G1 and G2)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .bench_inputs import draw_qkv, make_line
from .bench_races import Effort, largest_difference, run_race
from .bench_results import Result, Table
from .peak_memory import peak_mebibytes
from .peer_packages import MISSING, peer_module

CASES = ((64, 1024, 80), (64, 2048, 500), (64, 4096, 2000), (32, 1024, 200), (32, 2048, 1500))  # width, N, goal
SLOW_TABLES = {2048: {"svdvals": 3}, 4096: {"svdvals": 1}}      # rounds of svdvals, which takes 2 and 20 seconds
LONG = (100_000, 200_000)
ERROR, MEMORY_SHARE, LONG_SECONDS, LONG_GROWTH, LONG_MEMORY = 1e-13, 0.05, 0.5, 2.6, 8
COLUMNS = ["width", "N", "svdvals, ms", "linviz, ms", "svdvals / linviz", "attnspectra / linviz",
           "largest relative error"]


def bench_spectrum(effort: Effort) -> Result:
    """All singular values: `Map.singular_values` of `linear` against torch.linalg.svdvals in float64."""
    result = Result("spectrum", "The exact spectrum of linear attention")
    cases = effort.pick(CASES, CASES[:1] + CASES[3:4], ((8, 32, 1),))
    peer = peer_module("attnspectra", effort.peers)
    rows = [_compare_spectra(result, effort, peer, *case) for case in cases]
    result.tables.append(Table("All singular values in float64, one head", COLUMNS, rows))
    if effort.memory:
        _compare_memory(result, effort.pick((1024, 2048), (1024,), ()))
    _measure_long(result, effort, effort.pick(LONG, LONG[:1], (128, 256)))
    if peer is None:
        result.notes.append(MISSING)
    return result


def _compare_spectra(result: Result, effort: Effort, peer: Any, width: int, tokens: int, goal: float) -> list[Any]:
    a = make_line("linear", tokens, width).map(*draw_qkv(tokens, width))
    table = a.left.double() @ a.right.double().mT  # type: ignore[attr-defined]
    wanted, found = torch.linalg.svdvals(table)[..., :width], a.singular_values()
    largest_difference("singular values", found, wanted, rtol=1e-10)
    error = ((found - wanted).abs() / wanted).max().item()
    runs: dict[str, Callable[[], Tensor]] = {"svdvals": lambda: torch.linalg.svdvals(table),
                                             "linviz": a.singular_values}
    if peer is not None and tokens <= 2048:
        runs["attnspectra"] = lambda: peer.singular_values(table)
    race = run_race(runs, effort.rounds, warm=SLOW_TABLES.get(tokens, {}))
    ratio = race.ratio("svdvals", "linviz")
    result.goal("G1", f"spectrum at N = {tokens:,}, width {width}: faster than svdvals", ratio, goal)
    result.goal("G1", f"largest relative error at N = {tokens:,}, width {width}", error, ERROR, least=False, unit="")
    peers = race.ratio("attnspectra", "linviz") if "attnspectra" in runs else None
    return [width, tokens, race.milliseconds("svdvals"), race.milliseconds("linviz"), ratio, peers, error]


def _compare_memory(result: Result, sizes: tuple[int, ...]) -> None:
    rows = []
    for tokens in sizes:
        factors, table = (peak_mebibytes("benchmarks.factored_spectrum:spectrum_call", tokens=tokens, dense=dense)
                          for dense in (False, True))
        share = factors / table if factors is not None and table else None
        rows.append([tokens, table, factors, share])
        result.goal("G1", f"peak memory at N = {tokens:,}, as a part of svdvals'", share, MEMORY_SHARE, least=False,
                    unit="", why="the system does not say how much memory was used")
    result.tables.append(Table("Peak memory, width 64", ["N", "svdvals, MiB", "linviz, MiB", "linviz / svdvals"], rows))


def _measure_long(result: Result, effort: Effort, sizes: tuple[int, ...]) -> None:
    maps = {f"N = {n:,}": make_line("linear", n, 64).map(*draw_qkv(n, 64)) for n in sizes}
    race = run_race({name: a.singular_values for name, a in maps.items()}, effort.rounds)
    memory = peak_mebibytes("benchmarks.factored_spectrum:spectrum_call", tokens=sizes[-1]) if effort.memory else None
    first, last = list(maps)[0], list(maps)[-1]
    result.tables.append(Table("Where no table fits, width 64", ["map", "linviz, ms"],
                               [[name, race.milliseconds(name)] for name in maps]))
    result.goal("G2", f"spectrum at {last}", race.median(last), LONG_SECONDS, least=False, unit="s")
    result.goal("G2", f"peak memory at {last}", memory, LONG_MEMORY, least=False, unit="MiB", why="not asked for")
    if len(sizes) > 1:
        result.goal("G2", "growth of the time when N doubles", race.ratio(last, first), LONG_GROWTH, least=False)


def spectrum_call(tokens: int, dense: bool = False) -> Callable[[], Tensor]:
    """A call for `peak_memory`: the spectrum from factors, or of the table, which is part of the call."""
    a = make_line("linear", tokens, 64).map(*draw_qkv(tokens, 64))
    return (lambda: torch.linalg.svdvals(a.dense().double())) if dense else a.singular_values
