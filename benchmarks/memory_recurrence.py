"""The memories that fade and are overwritten: all tokens in chunks, beside the loop over tokens."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from linviz import names
from linviz.mechanisms import REGISTRY, Attention

from .bench_inputs import draw_qkv, make_line
from .bench_races import Effort, largest_difference, run_race
from .bench_results import Result, Table
from .peak_memory import peak_mebibytes

HEADS, WIDTH = 4, 32
PEAKS = ("retention", "gated_delta", "kda")


def bench_memory(effort: Effort) -> Result:
    """Every recurrent mechanism: `m(q, k, v)`, which works in chunks, against `m.step` token by token."""
    result = Result("memory", "Memories in chunks, and token by token")
    tokens = effort.pick(2048, 512, 16)
    rows = [_compare_loop(effort, name, tokens) for name in effort.pick(recurrent_names(), PEAKS, PEAKS[:2])]
    result.tables.append(Table(f"Forward, N = {tokens:,}, {HEADS} heads, width {WIDTH}",
                               ["mechanism", "chunks, ms", "loop, ms", "loop / chunks"], rows))
    if effort.memory:
        case = "benchmarks.memory_recurrence:memory_call"
        peaks = [[name, *(peak_mebibytes(case, name=name, tokens=tokens, loop=loop) for loop in (False, True))]
                 for name in PEAKS]
        result.tables.append(Table(f"Peak memory, N = {tokens:,}; the output has {tokens * HEADS * WIDTH / 2**18:.2g} "
                                   "MiB", ["mechanism", "chunks, MiB", "loop, MiB"], peaks))
    return result


def recurrent_names() -> list[str]:
    """The names of the recurrent family that step token by token."""
    return [name for name in names() if REGISTRY[name].family == "recurrent"]


def token_loop(m: Attention, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The output, one token after the other: a memory of constant size."""
    state, found = None, []
    for one in zip(*(x.split(1, -2) for x in (q, k, v))):
        state, o = m.step(state, *one)
        found.append(o)
    return torch.cat(found, -2)


def _compare_loop(effort: Effort, name: str, tokens: int) -> list[Any]:
    qkv, m = draw_qkv(tokens, WIDTH, HEADS), make_line(name, tokens, WIDTH, HEADS)
    with torch.no_grad():
        largest_difference(name, m(*qkv), token_loop(m, *qkv), rtol=1e-3)
        race = run_race({"chunks": lambda: m(*qkv), "loop": lambda: token_loop(m, *qkv)}, min(effort.rounds, 7))
    return [name, race.milliseconds("chunks"), race.milliseconds("loop"), race.ratio("loop", "chunks")]


def memory_call(name: str, tokens: int, loop: bool) -> Callable[[], Tensor]:
    """A call for `peak_memory`."""
    qkv, m = draw_qkv(tokens, WIDTH, HEADS), make_line(name, tokens, WIDTH, HEADS)

    def call() -> Tensor:
        with torch.no_grad():
            return token_loop(m, *qkv) if loop else m(*qkv)
    return call
