"""Exercise 18.2, build the block: projections, heads, attention (softmax in the check), and the way out."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attend

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

N, C, H, D = 7, 6, 3, 4  # tokens, channels, heads, width of a head


def right(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, H: int) -> Tensor:
    """Head by head. x (N, C), W_q, W_k, W_v (H D, C), W_o (C, H D) -> (N, C)."""
    D, out = len(W_q) // H, torch.zeros(len(x), len(W_o), dtype=x.dtype)
    for h in range(H):
        part = slice(h * D, (h + 1) * D)
        o = attend(x @ W_q[part].mT, x @ W_k[part].mT, x @ W_v[part].mT)
        out += o @ W_o[:, part].mT
    return out


def layer(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, H: int, *, order: str = "qkv",
          cut: str = "heads first", out: bool = True, residual: bool = False, heads: bool = True) -> Tensor:
    """The layer with one thing done differently."""
    made = {"q": x @ W_q.mT, "k": x @ W_k.mT, "v": x @ W_v.mT}
    q, k, v = (made[name] for name in order)
    if heads and cut == "heads last":
        q, k, v = (t.unflatten(1, (-1, H)).permute(2, 0, 1) for t in (q, k, v))
    elif heads:
        q, k, v = (t.unflatten(1, (H, -1)).transpose(0, 1) for t in (q, k, v))
    y = attend(q, k, v)
    if heads:
        joined = {"heads first": y.transpose(0, 1), "heads last": y.permute(1, 2, 0)}.get(cut, y)
        y = joined.reshape(len(x), -1)
    y = y @ W_o.mT if out else y
    return x + y if residual else y


def _reshaped(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, H: int) -> Tensor:
    q, k, v = ((x @ W.mT).reshape(H, len(x), -1) for W in (W_q, W_k, W_v))
    return attend(q, k, v).reshape(len(x), -1) @ W_o.mT


def _among_heads(x: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, H: int) -> Tensor:
    q, k, v = ((x @ W.mT).unflatten(1, (H, -1)) for W in (W_q, W_k, W_v))
    return attend(q, k, v).flatten(1) @ W_o.mT


WRONG: dict[str, Answer] = {
    "when there is one head": lambda *x: layer(*x, heads=False),
    "when the channels of the heads are interleaved": lambda *x: layer(*x, cut="heads last"),
    "when heads are cut and joined by a reshape without a transpose": _reshaped,
    "when the heads of one token attend to each other: heads have to come before tokens": _among_heads,
    "when scores are divided by the root of D a second time": lambda x, W_q, W_k, W_v, W_o, H: layer(
        x, W_q * (H / len(W_q)) ** 0.5, W_k, W_v, W_o, H),
    "when heads are joined by a reshape without a transpose": lambda *x: layer(*x, cut="reshaped"),
    "when W_o is forgotten": lambda *x: layer(*x, out=False),
    "when queries and keys are exchanged": lambda *x: layer(*x, order="kqv"),
    "when keys and values are exchanged": lambda *x: layer(*x, order="qvk"),
    "when queries and values are exchanged": lambda *x: layer(*x, order="vkq"),
    "when the keys are the values, too": lambda *x: layer(*x, order="qvv"),
    "when the queries are the keys, too": lambda *x: layer(*x, order="kkv"),
    "when the values are the keys, too": lambda *x: layer(*x, order="qkk"),
    "when the residual connection is already added": lambda *x: layer(*x, residual=True),
    "when nothing attends, and values go straight out":
        lambda x, W_q, W_k, W_v, W_o, H: x @ W_v.mT @ W_o.mT,
}


def weights(seed: int) -> tuple[Any, ...]:
    """Tokens, four matrices, and a number of heads."""
    q, k, v = (0.5 * normal(seed + n, H * D, C) for n in (10, 20, 30))
    return normal(seed, N, C), q, k, v, 0.5 * normal(seed + 40, C, H * D), H


def heads_apart(a: Attempt) -> Finding | None:
    """What the other heads ask does not change what the first head brings."""
    x, W_q, W_k, W_v, W_o, heads = a.given
    way_out, other = W_o.clone(), W_q.clone()
    way_out[:, D:] = 0
    other[D:] *= -2
    one, two = (a.ask(x, W, W_k, W_v, way_out, heads) for W in (W_q, other))
    return None if first_difference(one, two, 1e-9) is None else Finding(
        "with other queries in heads 1 and 2, head 0 brings something else in your layer",
        "Cut the channels into H heads, and put heads before tokens: unflatten, then transpose.", True)


def no_residual(a: Attempt) -> Finding | None:
    """Values of zero give an output of zero."""
    x, W_q, W_k, W_v, W_o, heads = a.given
    got = a.ask(x, 0 * W_q, W_k, 0 * W_v, W_o, heads)
    off = first_difference(got, torch.zeros_like(got), 1e-6)
    return None if off is None and not bool(got.any()) else Finding(
        "queries and values of zero should give an output of zero; yours is not zero",
        "The layer returns what attention has mixed. The residual connection is added outside.", True)


attention_layer = Exercise(
    "attention_layer", "18.2", right, weights, (*FIRST, heads_apart, no_residual, *LAST), WRONG,
    "Any mechanism fits into this layer: it only sees q, k and v of its heads.")
