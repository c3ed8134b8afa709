"""Linear attention, forward and backward, and the length from which it beats softmax attention (goal G8)."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .bench_inputs import draw_qkv, einsum_attention, elu_features, make_line, with_backward
from .bench_races import Effort, Race, largest_difference, run_race
from .bench_results import Result, Table
from .peak_memory import peak_mebibytes
from .peer_packages import MISSING, peer_module

HEADS, WIDTH = 8, 64
SIZES = (196, 784, 1568, 4096, 16384)
SOFTMAX_AT, OVER_EINSUM, OVER_SOFTMAX, CROSSING = 4096, 1.2, 25, 128
LENGTHS = (64, 96, 128, 160, 196, 256, 320, 400)
COLUMNS = ["N", "linviz, ms", "einsum / linviz", "performer-pytorch / linviz", "softmax (SDPA) / linviz"]


def bench_train(effort: Effort) -> Result:
    """Forward and backward of `linear` against automatic differentiation of three einsums, and softmax attention."""
    result = Result("train", "Linear attention, forward and backward")
    peer = peer_module("performer_pytorch.performer_pytorch", effort.peers)
    rows = [_compare_backward(result, effort, peer, tokens) for tokens in effort.pick(SIZES, (784,), (32,))]
    result.tables.append(Table(f"{HEADS} heads, width {WIDTH}, float32, one thread", COLUMNS, rows))
    if effort.memory:
        peaks = [[form, peak_mebibytes("benchmarks.linear_training:backward_call", tokens=4096, form=form)]
                 for form in ("linviz", "einsum", "softmax")]
        result.tables.append(Table("Peak memory at N = 4,096", ["what", "MiB"], peaks))
    result.notes += [MISSING] if peer is None else []
    return result


def backward_forms(tokens: int, peer: Any = None) -> dict[str, Any]:
    """The forms of attention whose gradients are compared."""
    forms: dict[str, Any] = {"linviz": make_line("linear", tokens, WIDTH, HEADS), "einsum": einsum_attention,
                             "softmax": F.scaled_dot_product_attention}
    if peer is not None:
        forms["performer"] = lambda q, k, v: peer.linear_attention(elu_features(q), elu_features(k), v)
    return forms


def _compare_backward(result: Result, effort: Effort, peer: Any, tokens: int) -> list[Any]:
    qkv = draw_qkv(tokens, WIDTH, HEADS, grad=True)
    forms, gradient = backward_forms(tokens, peer), torch.randn_like(qkv[0])
    if tokens > SOFTMAX_AT:
        del forms["softmax"]
    runs = {name: with_backward(form, qkv, gradient) for name, form in forms.items()}
    for found, wanted in zip(runs["linviz"](), runs["einsum"]()):
        largest_difference("gradients", found, wanted, rtol=1e-4)
    race = run_race(runs, effort.rounds)
    over = {name: race.ratio(name, "linviz") for name in runs}
    if tokens >= 784 or effort.name == "tiny":
        result.goal("G8", f"forward and backward at N = {tokens:,}: faster than three einsums", over["einsum"],
                    OVER_EINSUM)
    if tokens == SOFTMAX_AT:
        result.goal("G8", f"forward and backward at N = {tokens:,}: faster than softmax (SDPA)", over["softmax"],
                    OVER_SOFTMAX)
    return [tokens, race.milliseconds("linviz"), *(over.get(name) for name in ("einsum", "performer", "softmax"))]


def backward_call(tokens: int, form: str) -> Callable[[], tuple[Tensor, ...]]:
    """A call for `peak_memory`."""
    qkv = draw_qkv(tokens, WIDTH, HEADS, grad=True)
    return with_backward(backward_forms(tokens)[form], qkv, torch.ones_like(qkv[0]))


# ---------------------------------------------------------------- the crossing


def bench_crossover(effort: Effort) -> Result:
    """From how many tokens on `linear` is faster than torch's softmax attention."""
    result = Result("crossover", "From how many tokens on linear attention is faster than softmax attention")
    lengths = effort.pick(LENGTHS, LENGTHS[1::2], (16, 32))
    rows: list[list[Any]] = []
    forward, both = [], []
    for tokens in lengths:
        forward.append(race_with_softmax(tokens, effort, grad=False).ratio("softmax", "linviz"))
        both.append(race_with_softmax(tokens, effort, grad=True).ratio("softmax", "linviz"))
        rows.append([tokens, forward[-1], both[-1]])
    columns = ["N", "softmax / linviz, forward", "softmax / linviz, forward and backward"]
    result.tables.append(Table(f"{HEADS} heads, width {WIDTH}", columns, rows))
    for what, ratios in (("forward", forward), ("forward and backward", both)):
        found = crossing_length(lengths, [ratio.middle for ratio in ratios])
        result.goal("G8", f"faster than softmax from this many tokens on, {what}", found, CROSSING, least=False,
                    unit="tokens", why=f"not up to {lengths[-1]} tokens", missed=found is None)
    return result


def race_with_softmax(tokens: int, effort: Effort, grad: bool) -> Race:
    """`linear` against torch's softmax attention."""
    qkv, m = draw_qkv(tokens, WIDTH, HEADS, grad=grad), make_line("linear", tokens, WIDTH, HEADS)
    forms: dict[str, Any] = {"linviz": m, "softmax": F.scaled_dot_product_attention}
    if grad:
        return run_race({name: with_backward(form, qkv, torch.ones_like(qkv[0])) for name, form in forms.items()},
                        effort.rounds)
    with torch.no_grad():
        return run_race({name: partial(form, *qkv) for name, form in forms.items()}, effort.rounds)


def crossing_length(lengths: tuple[int, ...], ratios: list[float]) -> float | None:
    """The smallest length from which every ratio is at least 1, or None.

    >>> crossing_length((64, 96, 128), [0.8, 1.1, 1.3]), crossing_length((64,), [0.8])
    (96.0, None)
    """
    behind = [n for n, ratio in enumerate(ratios) if ratio < 1]
    first = behind[-1] + 1 if behind else 0
    return float(lengths[first]) if first < len(lengths) else None
