"""Exercise 8.3, build the block: Linformer that squeezes the tokens before keys and values are computed."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

N, C, K, H = 7, 6, 4, 2  # tokens, channels, summaries, heads


def right(x: Tensor, W: Tensor, b: Tensor, E: Tensor, F: Tensor, heads: int) -> Tensor:
    """Head by head. x (N, C), W (4, C, C) and b (4, C) of q, k, v and out, E and F (K, N) -> (N, C)."""
    width = x.shape[1] // heads
    q, k, v = (t @ weight.mT + bias for t, weight, bias in zip((x, E @ x, F @ x), W, b, strict=False))
    out = []
    for h in range(heads):
        part = slice(h * width, (h + 1) * width)
        scores = q[:, part] @ k[:, part].mT / width ** 0.5
        a = scores.exp() / scores.exp().sum(-1, keepdim=True)
        out.append(a @ v[:, part])
    return x + torch.cat(out, 1) @ W[3].mT + b[3]


def _layer(x: Tensor, W: Tensor, n: int, bias: Tensor | None) -> Tensor:
    return x @ W[n].mT + (0 if bias is None else bias[n])


def _block(late: bool = False, residual: float = 1.0,
           scale: Callable[[int, int], float] = lambda C, H: (C // H) ** -0.5, out: bool = True,
           bias: bool = True, swap: bool = False, both: str = "", turned: bool = False, joined: bool = False
           ) -> Callable[..., Tensor]:
    """The block with one thing other than it should be."""
    def answer(x: Tensor, W: Tensor, b: Tensor, E: Tensor, F: Tensor, heads: int) -> Tensor:
        E, F = (F, E) if swap else (E, E) if both == "E" else (F, F) if both == "F" else (E, F)
        W, given = (W.mT if turned else W), (b if bias else None)
        q, k, v = (_layer(x, W, 0, given), E @ _layer(x, W, 1, given), F @ _layer(x, W, 2, given)) if late else (
            _layer(t, W, n, given) for n, t in enumerate((x, E @ x, F @ x)))
        q, k, v = (t.unflatten(1, (-1, heads) if joined else (heads, -1)).movedim(2 if joined else 1, 0)
                   for t in (q, k, v))
        o = ((q @ k.mT) * scale(x.shape[1], heads)).softmax(-1) @ v
        o = (o.movedim(0, 2) if joined else o.movedim(0, 1)).flatten(1)
        return residual * x + (_layer(o, W, 3, given) if out else o)
    return answer


def _reshaped(x: Tensor, W: Tensor, b: Tensor, E: Tensor, F: Tensor, heads: int) -> Tensor:
    q, k, v = (_layer(t, W, n, b).reshape(heads, len(t), -1) for n, t in enumerate((x, E @ x, F @ x)))
    o = (q @ k.mT * q.shape[-1] ** -0.5).softmax(-1) @ v
    return x + _layer(o.movedim(0, 1).flatten(1), W, 3, b)


WRONG = {
    "when E and F come after the layers of k and v: with biases this is not the same": _block(late=True),
    "when the residual is missing": _block(residual=0.0),
    "when the residual is added twice": _block(residual=2.0),
    "when the scores are divided by the root of all channels, not of a head's":
        _block(scale=lambda C, H: float(C) ** -0.5),
    "without 1/sqrt(D)": _block(scale=lambda C, H: 1.0),
    "without the output layer": _block(out=False),
    "without the biases": _block(bias=False),
    "when E and F are exchanged": _block(swap=True),
    "when E makes the summaries of the values, too": _block(both="E"),
    "when F makes the summaries of the keys, too": _block(both="F"),
    "when the weights are not transposed: x @ W instead of x @ W.mT": _block(turned=True),
    "with one head only": lambda x, W, b, E, F, heads: _block()(x, W, b, E, F, 1),
    "when a head takes every other channel, not a run of neighbouring channels": _block(joined=True),
    "when nothing is squeezed: ordinary attention over all tokens":
        lambda x, W, b, E, F, heads: _block()(x, W, b, torch.eye(len(x)).to(x), torch.eye(len(x)).to(x), heads),
    "when the softmax is missing, and nothing but the residual and a linear map is left": lambda x, W, b, E, F, heads:
        _linear(x, W, b, E, F, heads),
    "when W[1] makes the values, and W[2] the keys": lambda x, W, b, E, F, heads:
        _block()(x, W[[0, 2, 1, 3]], b[[0, 2, 1, 3]], E, F, heads),
    "without the bias of the output layer": lambda x, W, b, E, F, heads: _block()(x, W, b, E, F, heads) - b[3],
    "when the bias of the output layer is added twice":
        lambda x, W, b, E, F, heads: _block()(x, W, b, E, F, heads) + b[3],
    "when a reshape cuts the heads, so that a head gets some tokens, not some channels": _reshaped,
}


def _linear(x: Tensor, W: Tensor, b: Tensor, E: Tensor, F: Tensor, heads: int) -> Tensor:
    q, k, v = (_layer(t, W, n, b).unflatten(1, (heads, -1)).movedim(1, 0) for n, t in enumerate((x, E @ x, F @ x)))
    o = (q @ k.mT * q.shape[-1] ** -0.5 @ v).movedim(0, 1).flatten(1)
    return x + _layer(o, W, 3, b)


def block_inputs(seed: int) -> tuple[Any, ...]:
    """Tokens, the weights and biases of four layers, two projections of positions, the number of heads."""
    return (normal(seed, N, C), normal(seed + 10, 4, C, C) / 2, normal(seed + 20, 4, C), normal(seed + 30, K, N) / 2,
            normal(seed + 40, K, N) / 2, H)


def stays(a: Attempt) -> Finding | None:
    x, W, b, E, F, heads = a.given
    got = a.ask(x, torch.cat((W[:3], 0 * W[3:])), torch.cat((b[:3], 0 * b[3:])), E, F, heads)
    return None if is_close(got, x, 1e-9) else Finding(
        "if the output layer is zero, the block should return x; yours does not",
        "x + out(attention): the residual is added once, after the output layer.", True)


def values(a: Attempt) -> Finding | None:
    """With q = 0 all summaries have the same weight, so that only values and the output layer are seen."""
    x, W, b, E, F, heads = a.given
    W, b = W.clone(), b.clone()
    W[0], b[0] = 0, 0
    return None if is_close(a.ask(x, W, b, E, F, heads), right(x, W, b, E, F, heads), 1e-9) else Finding(
        "with queries of zero every summary has the same weight; your values or your output layer differ",
        "v is a layer of F @ x, with its bias; W[3] and b[3] are the output layer.", True)


def scores(a: Attempt) -> Finding | None:
    return None if is_close(a.got, a.expected) else Finding(
        "values, output layer and residual are right; the weights over the summaries differ",
        "k is a layer of E @ x, with its bias; each head divides by the root of its own width.", True)


linformer_block = Exercise(
    "linformer_block", "8.3", right, block_inputs, (*FIRST, stays, values, scores, *LAST), WRONG,
    "Projections, heads, and a residual: a block for a network.")
