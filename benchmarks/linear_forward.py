"""Linear attention, forward: time and memory beside the form of other libraries, and to the limit (goals G6, G7)."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .bench_inputs import Attend, draw_qkv, einsum_attention, elu_features, make_line, two_products
from .bench_races import Effort, largest_difference, run_race
from .bench_results import Result, Table
from .operation_shares import shares_table
from .peak_memory import peak_mebibytes
from .peer_packages import MISSING, peer_module

HEADS, WIDTH = 8, 64
SIZES = ((196, 1.0), (784, 1.0), (1568, 1.0), (4096, 1.0), (6272, 1.0), (16384, 1.8))   # N, and how much faster
LIMIT, OUTPUTS, SOFTMAX_UP_TO = 1.9, 1.15, 1568
COLUMNS = ["N", "linviz, ms", "einsum / linviz", "performer-pytorch / linviz", "softmax (SDPA) / linviz",
           "linviz / two products"]


def bench_linear(effort: Effort) -> Result:
    """`linear` against three einsums, performer-pytorch, torch's softmax attention and the two bare products."""
    result = Result("linear", "Linear attention, forward")
    peer = peer_module("performer_pytorch.performer_pytorch", effort.peers)
    with torch.no_grad():
        rows = [_compare_forward(result, effort, peer, *case)
                for case in effort.pick(SIZES, SIZES[1:4:2], ((32, 1.0),))]
    result.tables.append(Table(f"{HEADS} heads, width {WIDTH}, float32, one thread", COLUMNS, rows))
    with torch.no_grad():
        result.tables.append(shares_table(profiled_forms(effort.pick((784, 4096, 16384), (784,), (32,)))))
    if effort.memory:
        _compare_memory(result, effort.pick((4096, 16384), (4096,), ()), peer is not None)
    result.notes += [MISSING] if peer is None else []
    result.notes.append("einsum is the form of idiap's LinearAttention and of performer-pytorch, written anew; "
                        "two products is q (k^T v) and nothing else, which nobody can undercut.")
    return result


def forward_forms(tokens: int, peer: Any) -> dict[str, Attend]:
    """The forms of linear attention that are compared."""
    forms: dict[str, Attend] = {"linviz": make_line("linear", tokens, WIDTH, HEADS), "einsum": einsum_attention}
    if peer is not None:
        forms["performer"] = lambda q, k, v: peer.linear_attention(elu_features(q), elu_features(k), v)
    return forms


def profiled_forms(sizes: tuple[int, ...]) -> dict[str, Callable[[], Tensor]]:
    """`linear` at several lengths."""
    return {f"N = {tokens:,}": partial(make_line("linear", tokens, WIDTH, HEADS), *draw_qkv(tokens, WIDTH, HEADS))
            for tokens in sizes}


def _compare_forward(result: Result, effort: Effort, peer: Any, tokens: int, goal: float) -> list[Any]:
    qkv, forms = draw_qkv(tokens, WIDTH, HEADS), forward_forms(tokens, peer)
    for name, form in forms.items():
        largest_difference(name, form(*qkv), einsum_attention(*qkv), rtol=1e-4)
    forms["products"] = two_products
    if tokens <= SOFTMAX_UP_TO:
        forms["softmax"] = F.scaled_dot_product_attention
    race = run_race({name: partial(form, *qkv) for name, form in forms.items()}, effort.rounds)
    over = {name: race.ratio(name, "linviz") for name in forms}
    limit = race.ratio("linviz", "products")
    result.goal("G6", f"forward at N = {tokens:,}: faster than three einsums", over["einsum"], goal)
    if tokens >= 784:
        result.goal("G7", f"forward at N = {tokens:,}: time over the two products", limit, LIMIT, least=False)
    return [tokens, race.milliseconds("linviz"), over["einsum"], over.get("performer"), over.get("softmax"), limit]


def _compare_memory(result: Result, sizes: tuple[int, ...], peer: bool) -> None:
    rows = []
    for tokens in sizes:
        output = tokens * HEADS * WIDTH * 4 / 2**20
        peaks = [peak_mebibytes("benchmarks.linear_forward:forward_call", tokens=tokens, form=form)
                 for form in ("linviz", "einsum")]
        shares = [None if peak is None else peak / output for peak in peaks]
        rows.append([tokens, output, *shares])
        result.goal("G6", f"peak memory at N = {tokens:,}, in outputs", shares[0], OUTPUTS, least=False, unit="",
                    why="the system does not say how much memory was used")
    columns = ["N", "output, MiB", "linviz, outputs", "einsum, outputs"]
    result.tables.append(Table("Peak memory of the forward pass, in sizes of the output", columns, rows))


def forward_call(tokens: int, form: str) -> Callable[[], Tensor]:
    """A call for `peak_memory`."""
    qkv, attend = draw_qkv(tokens, WIDTH, HEADS), forward_forms(tokens, None)[form]

    def call() -> Tensor:
        with torch.no_grad():
            return attend(*qkv)
    return call
