"""Causal linear attention: time and memory beside idiap's C++ kernel and performer-pytorch (goal G9)."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .bench_inputs import draw_qkv, elu_features, make_line, with_backward
from .bench_races import Effort, Race, largest_difference, run_race
from .bench_results import Result, Table
from .peak_memory import peak_mebibytes
from .peer_packages import MISSING, NO_COMPILED, peer_module

HEADS = 8
SIZES = ((64, 1024), (64, 4096), (64, 8192), (32, 4096), (32, 8192))    # width, N
BACKWARD = ((64, 1024), (64, 4096), (32, 4096))
OVER_IDIAP, OVER_IDIAP_BACKWARD = {64: 1.3, 32: 1.1}, {64: 1.3, 32: 1.0}
OUTPUTS = 1.2
COLUMNS = ["pass", "width", "N", "linviz, ms", "idiap / linviz", "performer-pytorch / linviz", "cumsum / linviz"]
CUMSUM_UP_TO = 1024     # the N D E running sums take 128 MiB there


def bench_causal(effort: Effort) -> Result:
    """`linear` with causal=True against idiap's kernel, performer-pytorch and running sums of all states."""
    result = Result("causal", "Causal linear attention")
    idiap = peer_module("fast_transformers.causal_product", effort.peers)
    performer = peer_module("performer_pytorch.performer_pytorch", effort.peers)
    rows = []
    for grad, sizes in ((False, effort.pick(SIZES, SIZES[:1], ((8, 32),))),
                        (True, effort.pick(BACKWARD, BACKWARD[:1], ((8, 32),)))):
        for width, tokens in sizes:
            race = race_causal(width, tokens, effort.rounds, causal_forms(width, tokens, idiap, performer, grad), grad)
            rows.append(_row_with_goals(result, race, width, tokens, grad))
    result.tables.append(Table(f"{HEADS} heads, float32, one thread", COLUMNS, rows))
    if effort.memory:
        _measure_memory(result)
    result.notes += [MISSING] if performer is None else [NO_COMPILED] if idiap is None else []
    result.notes.append("performer-pytorch is its function without CUDA. The library itself says that it is for "
                        "reference; its usual path is idiap's kernel.")
    return result


def causal_forms(width: int, tokens: int, idiap: Any, performer: Any, grad: bool) -> dict[str, Any]:
    """The forms of causal linear attention that are compared."""
    forms: dict[str, Any] = {"linviz": make_line("linear", tokens, width, HEADS, causal=True)}
    if tokens <= CUMSUM_UP_TO and not grad:
        forms["cumsum"] = lambda q, k, v: _divided(q, k, v, running_sums)
    if idiap is not None:
        forms["idiap"] = lambda q, k, v: _divided(q, k, v, idiap.causal_dot_product)
    if performer is not None and not grad:
        forms["performer"] = lambda q, k, v: performer.causal_linear_attention_noncuda(
            elu_features(q), elu_features(k), v)
    return forms


def _divided(q: Tensor, k: Tensor, v: Tensor, product: Callable[..., Tensor]) -> Tensor:
    """phi, the causal product, and the division by running sums of the keys."""
    q, k = elu_features(q), elu_features(k)
    divisor = (q * k.cumsum(-2)).sum(-1, keepdim=True) + 1e-6
    return product(q.contiguous(), k.contiguous(), v.contiguous()) / divisor


def running_sums(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The plain form: the state after every token, N D E numbers, all of them kept."""
    states = torch.einsum("bhnd,bhne->bhnde", k, v).cumsum(-3)
    return torch.einsum("bhnd,bhnde->bhne", q, states)


def race_causal(width: int, tokens: int, rounds: int, forms: dict[str, Any], grad: bool) -> Race:
    """Equal results first, then the race."""
    qkv = draw_qkv(tokens, width, HEADS, grad=grad)
    with torch.no_grad():
        outputs = {name: form(*qkv) for name, form in forms.items()}
    for name, output in outputs.items():
        largest_difference(name, output, outputs["linviz"], rtol=1e-3)
    if grad:
        gradient = torch.ones_like(qkv[0])
        return run_race({name: with_backward(form, qkv, gradient) for name, form in forms.items()}, rounds)
    with torch.no_grad():
        return run_race({name: partial(form, *qkv) for name, form in forms.items()}, rounds)


def _row_with_goals(result: Result, race: Race, width: int, tokens: int, grad: bool) -> list[Any]:
    over = {name: race.ratio(name, "linviz") for name in race.seconds}
    what = f"{'forward and backward' if grad else 'forward'} at N = {tokens:,}, width {width}"
    goal = (OVER_IDIAP_BACKWARD if grad else OVER_IDIAP).get(width, 1.0)
    result.goal("G9", f"{what}: faster than idiap's C++", over.get("idiap"), goal, why="idiap's kernel is not here")
    if not grad and width != 32:
        result.goal("G9", f"{what}: faster than performer-pytorch without CUDA", over.get("performer"),
                    5 if tokens <= 1024 else 15, why="performer-pytorch is not here")
    peers = [over.get(name) for name in ("idiap", "performer", "cumsum")]
    return ["both" if grad else "forward", width, tokens, race.milliseconds("linviz"), *peers]


def _measure_memory(result: Result) -> None:
    tokens, width = 4096, 64
    output = tokens * HEADS * width * 4 / 2**20
    rows: list[list[Any]] = []
    for name, grad in (("forward", False), ("forward and backward", True)):
        peak = peak_mebibytes("benchmarks.causal_attention:causal_call", tokens=tokens, width=width, grad=grad)
        rows.append([name, peak, None if peak is None else peak / output])
    result.tables.append(Table(f"Peak memory of linviz, N = {tokens:,}, width {width}",
                               ["pass", "MiB", "in outputs"], rows))
    result.goal("G9", f"peak memory, forward at N = {tokens:,}, in outputs", rows[0][2], OUTPUTS, least=False, unit="",
                why="the system does not say how much memory was used")


def causal_call(tokens: int, width: int, grad: bool) -> Callable[[], Any]:
    """A call for `peak_memory`."""
    qkv = draw_qkv(tokens, width, HEADS, grad=grad)
    m = make_line("linear", tokens, width, HEADS, causal=True)
    return with_backward(m, qkv, torch.ones_like(qkv[0])) if grad else lambda: m(*qkv)
