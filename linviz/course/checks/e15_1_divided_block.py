"""Exercise 15.1, build the block: attention along time, then inside each frame, each with norm, heads and residual."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

T, P, C, H = 4, 3, 6, 2  # frames, patches of a frame, channels, heads


def right(x: Tensor, W: Tensor, H: int) -> Tensor:
    """Query by query. x (T, P, C), W (2, 4, C, C): of time and space the maps of q, k, v and the output."""
    for layer, along in enumerate(("time", "space")):
        y = layer_norm(x, x.shape[-1:])
        q, k, v = (y @ w.mT for w in W[layer, :3])
        out = torch.zeros_like(x)
        for t in range(len(x)):
            for p in range(x.shape[1]):
                seen = (slice(None), p) if along == "time" else (t, slice(None))
                for h in torch.arange(x.shape[-1]).chunk(H):
                    scores = k[seen][:, h] @ q[t, p, h] / math.sqrt(len(h))
                    out[t, p, h] = scores.softmax(0) @ v[seen][:, h]
        x = x + out @ W[layer, 3].mT
    return x


def attended(y: Tensor, W: Tensor, H: int, along: str, scale: float | None = None, order: str = "head first",
             over: int = -1) -> Tensor:
    """One attention with heads, without norm and residual; y (T, P, C), W (4, C, C).

    >>> x, W = normal(0, T, P, C), normal(1, 2, 4, C, C)
    >>> torch.allclose(block(x, W, H), right(x, W, H))
    True
    """
    y = y.transpose(0, 1) if along == "time" else y.reshape(1, -1, y.shape[-1]) if along == "joint" else y
    shape = (H, -1) if order == "head first" else (-1, H)
    q, k, v = ((y @ w.mT).unflatten(-1, shape) for w in W[:3])
    q, k, v = ((z if order == "head first" else z.mT).transpose(1, 2) for z in (q, k, v))
    s = math.sqrt(q.shape[-1]) if scale is None else scale
    o = ((q @ k.mT / s).softmax(over) @ v).transpose(1, 2)
    o = (o if order == "head first" else o.mT).flatten(-2) @ W[3].mT
    return o.transpose(0, 1) if along == "time" else o


def block(x: Tensor, W: Tensor, H: int, first: str = "time", second: str = "space", residual: bool = True,
          **options: Any) -> Tensor:
    """The block with other layers, or without its residuals."""
    for layer, along in enumerate((first, second)):
        o = attended(layer_norm(x, x.shape[-1:]), W[layer], H, along, **options).view(x.shape)
        x = x + o if residual else o
    return x


def _normed(x: Tensor) -> Tensor:
    return layer_norm(x, x.shape[-1:])


def _without_norm(x: Tensor, W: Tensor, H: int) -> Tensor:
    x = x + attended(x, W[0], H, "time")
    return x + attended(x, W[1], H, "space")


def _norm_behind(x: Tensor, W: Tensor, H: int) -> Tensor:
    x = _normed(x + attended(x, W[0], H, "time"))
    return _normed(x + attended(x, W[1], H, "space"))


def _normed_residual(x: Tensor, W: Tensor, H: int) -> Tensor:
    x = _normed(x) + attended(_normed(x), W[0], H, "time")
    return _normed(x) + attended(_normed(x), W[1], H, "space")


def _side_by_side(x: Tensor, W: Tensor, H: int) -> Tensor:
    y = _normed(x)
    return x + attended(y, W[0], H, "time") + attended(y, W[1], H, "space")


def _reshaped(x: Tensor, W: Tensor, H: int) -> Tensor:
    places = _normed(x).reshape(x.shape[1], len(x), -1)
    x = x + attended(places, W[0], H, "space").reshape(x.shape)
    return x + attended(_normed(x), W[1], H, "space")


def _one_norm(x: Tensor, W: Tensor, H: int) -> Tensor:
    x = x + attended(_normed(x), W[0], H, "time")
    return x + attended(x, W[1], H, "space")


def _first_only(x: Tensor, W: Tensor, H: int) -> Tensor:
    return x + attended(_normed(x), W[0], H, "time")


def _without_map(W: Tensor, number: int) -> Tensor:
    out = W.clone()
    out[:, number] = torch.eye(W.shape[-1]).to(W)
    return out


WRONG = {
    "when space comes before time": lambda x, W, H: block(x, W.flip(0), H, "space", "time"),
    "when space comes first, with the weights of time": lambda x, W, H: block(x, W, H, "space", "time"),
    "when all patches of all frames attend to each other": lambda x, W, H: block(x, W, H, "joint", "joint"),
    "when both layers attend along time": lambda x, W, H: block(x, W, H, "time", "time"),
    "when both layers attend inside each frame": lambda x, W, H: block(x, W, H, "space", "space"),
    "when both layers have the same weights": lambda x, W, H: block(x, W[:1].expand_as(W), H),
    "when the layer in space is left out": _first_only,
    "when the layer along time is left out":
        lambda x, W, H: x + attended(_normed(x), W[1], H, "space"),
    "when both layers read the same tokens, side by side": _side_by_side,
    "without residuals": lambda x, W, H: block(x, W, H, residual=False),
    "without norms": _without_norm,
    "when the norm stands behind the sum, not before the attention": _norm_behind,
    "when the normed tokens are added, not the tokens themselves": _normed_residual,
    "with one head instead of several": lambda x, W, H: block(x, W, 1),
    "when scores are not divided": lambda x, W, H: block(x, W, H, scale=1.0),
    "when scores are divided by the root of all channels, not of those of a head":
        lambda x, W, H: block(x, W, H, scale=math.sqrt(x.shape[-1])),
    "when the channels of a head are every H-th channel, not neighbours":
        lambda x, W, H: block(x, W, H, order="channel first"),
    "when the weights are not transposed": lambda x, W, H: block(x, W.mT, H),
    "when the output map is left out": lambda x, W, H: block(x, _without_map(W, 3), H),
    "when the values are the tokens themselves, without their map": lambda x, W, H: block(x, _without_map(W, 2), H),
    "when the softmax goes over the queries, not over the keys": lambda x, W, H: block(x, W, H, over=-2),
    "when tokens are grouped along time by a reshape, without a transpose": _reshaped,
    "when the second layer has no norm": _one_norm,
    "when queries and keys are exchanged": lambda x, W, H: block(x, W[:, [1, 0, 2, 3]], H),
}


def tokens(seed: int) -> tuple[Any, ...]:
    """Tokens of four frames of three patches, the maps of two layers, and the number of heads."""
    return normal(seed, T, P, C), normal(seed + 10, 2, 4, C, C) / 1.5, H


def scope(a: Attempt) -> Finding | None:
    x, W, H = a.given
    changed = x.clone()
    changed[0, 0] += 1
    moved = (a.ask(changed, W, H) - a.got).abs().amax(-1) > 1e-9
    if not moved[1:, 1:].any() and moved[0, 1:].all():
        return Finding("patch 0 of frame 0 was changed, and other patches of other frames did not notice",
                       "Time comes first: it carries the change to frame 1, patch 0. Then space carries it on.", True)
    return None


def residuals(a: Attempt) -> Finding | None:
    x, W, H = a.given
    return None if is_close(a.ask(x, torch.zeros_like(W), H), x, 1e-9) else Finding(
        "with weights of 0 the block should return its tokens as they are; yours does not",
        "x = x + attention(norm(x)), twice. The norm does not touch the x that is added.", True)


def single_layers(a: Attempt) -> Finding | None:
    x, W, H = a.given
    for layer, name in enumerate(("along time", "inside each frame")):
        only = torch.zeros_like(W)
        only[layer] = W[layer]
        off = first_difference(a.ask(x, only, H), right(x, only, H))
        if off is not None:
            return Finding(f"with the weights of the other layer at 0, the layer {name} should give {off.wanted} at "
                           f"[{off.place}]; yours gives {off.got}", "The mistake is in this layer: norm, maps of q, k "
                           "and v, heads, softmax, output map, residual.", True)
    return None


divided_block = Exercise(
    "divided_block", "15.1", right, tokens, (*FIRST, residuals, scope, single_layers, *LAST), WRONG,
    "Two softmaxes with weights of their own: along time, then inside each frame.")
