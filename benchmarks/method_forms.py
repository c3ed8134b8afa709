"""Methods in the form of their authors or of a library, with the same mathematics as linviz (goal G10)."""
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import pi
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from linviz.mechanisms import Attention

from .bench_inputs import Attend, draw_qkv, make_line
from .bench_races import Effort, largest_difference, run_race
from .bench_results import Cell, Result, Table
from .operation_shares import shares_table
from .peer_packages import MISSING, peer_module

HEADS, WIDTH = 8, 64
SIZES = (196, 784, 4096)
GOALS = {"cosformer": 1.25, "focused": 1.3, "efficient": 1.0}
SAME = 1e-5     # the largest difference of two outputs, as a part of the largest
FORMS = {"cosformer": "2 D features side by side, three einsums", "focused": "norms and ** 3, three einsums",
         "efficient": "linear-attention-transformer's linear_attn"}


def bench_methods(effort: Effort) -> Result:
    """cosFormer, focused and efficient attention against the form in which their authors or a library compute them."""
    result = Result("methods", "Methods in the form of their authors")
    lucidrains = peer_module("linear_attention_transformer.linear_attention_transformer", effort.peers)
    rows, forms = [], method_forms(lucidrains)
    for tokens in effort.pick(SIZES, SIZES[1:2], (32,)):
        for name in GOALS:
            rows.append(_compare_method(result, effort, name, tokens, forms.get(name)))
    columns = ["method", "N", "linviz, ms", "the other form", "other / linviz", "difference"]
    result.tables.append(Table(f"{HEADS} heads, width {WIDTH}, forward", columns, rows))
    result.tables.append(shares_table({name: method_run(name, effort.pick(4096, 784, 32)) for name in GOALS}))
    _compare_libraries(result, effort)
    result.notes.append("The forms of cosFormer and FLatten are written anew from their published code, which no "
                        "registry has as a package.")
    return result


def method_forms(lucidrains: Any) -> dict[str, Attend]:
    """The other form of every method; that of efficient attention only where its library is installed."""
    forms: dict[str, Attend] = {"cosformer": cosine_einsums, "focused": focused_einsums}
    if lucidrains is not None:
        forms["efficient"] = lucidrains.linear_attn
    return forms


def method_in_linviz(name: str, tokens: int) -> Attention:
    """The same in linviz."""
    options = {"efficient": {"after": WIDTH ** -0.5}}.get(name, {})
    return make_line(name, tokens, WIDTH, HEADS, **options)


def method_run(name: str, tokens: int) -> Callable[[], Tensor]:
    """A forward pass of a method in linviz."""
    m, qkv = method_in_linviz(name, tokens), [x.detach() for x in draw_qkv(tokens, WIDTH, HEADS)]

    def run() -> Tensor:
        with torch.no_grad():
            return m(*qkv)
    return run


def _compare_method(result: Result, effort: Effort, name: str, tokens: int, form: Any) -> list[Any]:
    qkv, m = draw_qkv(tokens, WIDTH, HEADS), method_in_linviz(name, tokens)
    what = f"{name} at N = {tokens:,}: faster than its other form"
    if form is None:
        result.goal("G10", what, None, GOALS[name], why="linear-attention-transformer is not here")
        return [name, tokens, None, FORMS[name], None, None]
    with torch.no_grad():
        apart = largest_difference(name, form(*qkv), m(*qkv), rtol=SAME)
        race = run_race({"linviz": lambda: m(*qkv), "other": lambda: form(*qkv)}, effort.rounds)
    result.goal("G10", what, race.ratio("other", "linviz"), GOALS[name])
    return [name, tokens, race.milliseconds("linviz"), FORMS[name], race.ratio("other", "linviz"), apart]


def cosine_einsums(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """cosFormer with sine and cosine features side by side, and its divisor of at least 1e-6."""
    angle = pi / 2 * torch.arange(1, q.shape[-2] + 1)[:, None] / q.shape[-2]
    q, k = (torch.cat([x.relu() * angle.sin(), x.relu() * angle.cos()], -1) for x in (q, k))
    divisor = 1 / torch.einsum("bhnd,bhd->bhn", q, k.sum(-2)).clamp_min(1e-6)
    state = torch.einsum("bhsd,bhse->bhde", k, v)
    return torch.einsum("bhnd,bhde,bhn->bhne", q, state, divisor)


def focused_einsums(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """FLatten without convolution: lengths over all channels of a token before the heads are split."""
    def focus(x: Tensor) -> Tensor:
        x = (x.transpose(1, 2).flatten(-2).relu() + 1e-6) / softplus(torch.zeros(HEADS * WIDTH))
        length, y = x.norm(dim=-1, keepdim=True), x**3
        y = y / y.norm(dim=-1, keepdim=True) * length
        return y.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2)
    q, k = focus(q), focus(k)
    divisor = 1 / (torch.einsum("bhnd,bhd->bhn", q, k.mean(-2)) + 1e-6)
    state = torch.einsum("bhsd,bhse->bhde", k * k.shape[-2] ** -0.5, v * k.shape[-2] ** -0.5)
    return torch.einsum("bhnd,bhde,bhn->bhne", q, state, divisor)


# ---------------------------------------------------------------- libraries with other numbers


def _compare_libraries(result: Result, effort: Effort) -> None:
    """Operators of libraries whose random parts differ from ours: time only, without a goal."""
    tokens = effort.pick(4096, 1024, 64)
    runs = library_runs(tokens, effort.peers)
    if not runs:
        result.notes.append(MISSING)
        return
    with torch.no_grad():
        race = run_race(runs, effort.rounds)
    rows: list[list[Cell]] = [[name, race.milliseconds(name), race.ratio(name, "linear (linviz)")] for name in runs]
    result.tables.append(Table(f"Other operators at N = {tokens:,}; random projections and hashes differ, so results "
                               "are not compared", ["operator", "ms", "of linear (linviz)"], rows))


def library_runs(tokens: int, wanted: bool) -> dict[str, Callable[[], Any]]:
    """Operators of linformer, local-attention, reformer-pytorch and performer-pytorch beside those of linviz."""
    names = ("performer_pytorch.performer_pytorch", "local_attention", "reformer_pytorch.reformer_pytorch", "linformer")
    performer, local, reformer, linformer = (peer_module(name, wanted) for name in names)
    if performer is None or local is None or reformer is None or linformer is None:
        return {}
    q, k, v = draw_qkv(tokens, WIDTH, HEADS)
    ours = {name: make_line(name, tokens, WIDTH, HEADS) for name in ("linear", "performer", "linformer", "reformer")}
    favor = performer.FastAttention(WIDTH)
    window = local.LocalAttention(window_size=64, causal=False, autopad=True, dim=WIDTH, use_rotary_pos_emb=False)
    hashes = reformer.LSHAttention(bucket_size=64, n_hashes=4, causal=False, random_rotations_per_head=True)
    low = linformer.LinformerSelfAttention(HEADS * WIDTH, tokens, k=256, heads=HEADS, dim_head=WIDTH)
    x = q.transpose(1, 2).flatten(-2)
    runs: dict[str, Callable[[], Any]] = {f"{name} (linviz)": partial(m, q, k, v) for name, m in ours.items()}
    return runs | {"FAVOR+ (performer-pytorch)": lambda: favor(q, k, v),
                   "window of 64 (local-attention)": lambda: window(q[0], k[0], v[0]),
                   "LSH, 4 hashes (reformer-pytorch)": lambda: hashes(q[0], v[0]),
                   "256 keys, with its projections (linformer)": lambda: low(x)}
