"""Questions to a linear map of 100,000 tokens: one row, and what every row and key can be asked (goal G5)."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from linviz import read
from linviz.maps import Factored

from .bench_inputs import draw_qkv, make_line
from .bench_races import Effort, largest_difference, run_race
from .bench_results import Result, Table
from .operation_shares import shares_table

WIDTH, TOKENS, SHORT = 64, 100_000, 6_272
ROW_SECONDS, SUMS_SECONDS = 2e-3, 60e-3
LONGEST = 10.0      # seconds that the participation of all rows may take; beyond that it is estimated


def bench_linrow(effort: Effort) -> Result:
    """One row, column sums and participation of `linear` at 100,000 tokens."""
    result = Result("linrow", "Questions to a linear map of 100,000 tokens")
    tokens, short = effort.pick((TOKENS, SHORT), (TOKENS // 10, SHORT // 4), (256, 64))
    m, qkv = make_line("linear", tokens, WIDTH), draw_qkv(tokens, WIDTH)
    a = m.map(*qkv)
    assert isinstance(a, Factored)
    largest_difference("column sums", a.column_sums(), a.left.sum(-2, keepdim=True) @ a.right.mT, rtol=1e-3)
    runs = {"the map": lambda: m.map(*qkv), "one row of it": lambda: a.rows([tokens // 2]),
            "sums of all columns": a.column_sums}
    race = run_race(runs, effort.rounds)
    rows: list[list[Any]] = [[name, race.milliseconds(name)] for name in runs]
    known, seconds = all_participations(effort, tokens, short)
    rows.append([f"participation of all rows{'' if known else ', estimated'}", 1e3 * seconds])
    result.tables.append(Table(f"One head, {tokens:,} tokens", ["what", "linviz, ms"], rows))
    result.tables.append(shares_table({"the map": runs["the map"], "participation": participation_call(tokens)}))
    result.goal("G5", f"one row at N = {tokens:,}", 1e3 * race.median("one row of it"), 1e3 * ROW_SECONDS, least=False,
                unit="ms")
    result.goal("G5", f"participation of all rows and sums of all columns at N = {tokens:,}",
                1e3 * (seconds + race.median("sums of all columns")), 1e3 * SUMS_SECONDS, least=False, unit="ms")
    if not known:
        result.notes.append(f"The participation was measured at N = {short:,} and multiplied by (N / {short:,})^2, "
                            f"since it would take more than {LONGEST:g} s.")
    return result


def all_participations(effort: Effort, tokens: int, short: int) -> tuple[bool, float]:
    """Whether the time at `tokens` is measured (else it is estimated, as if it grew with N^2), and the seconds."""
    race = run_race({"short": participation_call(short)}, min(effort.rounds, 3))
    estimate = race.median("short") * (tokens / short) ** 2
    if estimate > LONGEST:
        return False, estimate
    return True, run_race({"long": participation_call(tokens)}, min(effort.rounds, 3)).median("long")


def participation_call(tokens: int) -> Callable[[], Tensor]:
    """A run that reads the participation of every row, 1 / sum_j a_ij^2; held to the table where that is small."""
    m, qkv = make_line("linear", tokens, WIDTH), draw_qkv(tokens, WIDTH)
    if tokens <= SHORT:
        exact = 1 / torch.cat([rows.square().sum(-1) for _, rows in m.map(*qkv).walk()], -1)
        largest_difference("participation", read(m, *qkv).participation, exact, rtol=1e-4)
    return lambda: read(m, *qkv).participation
