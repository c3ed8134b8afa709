"""Exercise 6.1, find the bug: a head that looks near and a head that looks far, whose rows must both sum to one."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

N, D, E = 7, 5, 3  # tokens, channels, width of v; two heads


def right(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    """Query by query. q and k (2, N, D), v (2, N, E) -> (2, N, E)."""
    out = torch.zeros_like(v)
    for i in range(q.shape[1]):
        seen = [j for j in range(k.shape[1]) if abs(i // window - j // window) <= 1]
        near = [((q[0, i] * k[0, j]).sum() / q.shape[2] ** 0.5).exp() for j in seen]
        out[0, i] = sum(a * v[0, j] for a, j in zip(near, seen, strict=True)) / sum(near)
        for d in range(q.shape[2]):
            template = k[1, :, d].exp() / k[1, :, d].exp().sum()
            out[1, i] += q[1, i, d].exp() / q[1, i].exp().sum() * (template[:, None] * v[1]).sum(0)
    return out


def near_head(q: Tensor, k: Tensor, v: Tensor, window: int, blocks: int = 1, scale: float | None = None) -> Tensor:
    """Softmax over the own block and `blocks` blocks on each side; q, k (N, D), v (N, E)."""
    place = torch.arange(len(q)) // window
    hidden = (place[:, None] - place).abs() > blocks
    scores = q @ k.mT * (q.shape[1] ** -0.5 if scale is None else scale)
    return scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v


def far_head(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Efficient attention; q, k (N, D), v (N, E)."""
    return q.softmax(-1) @ (k.softmax(0).mT @ v)


Head = Callable[..., Tensor]


def _two(near: Head = near_head, far: Head = far_head) -> Callable[..., Tensor]:
    def both(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
        return torch.stack((near(q[0], k[0], v[0], window), far(q[1], k[1], v[1])))
    return both


def _swapped(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    return torch.stack((far_head(q[0], k[0], v[0]), near_head(q[1], k[1], v[1], window)))


def _sliding(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    place = torch.arange(len(q))
    hidden = (place[:, None] - place).abs() > window
    return (q @ k.mT * q.shape[1] ** -0.5).masked_fill(hidden, -torch.inf).softmax(-1) @ v


WRONG = {
    "when the bug is still in: the queries' softmax is divided by sqrt(D), and rows sum to 1/sqrt(D)":
        _two(far=lambda q, k, v: far_head(q, k, v) * q.shape[1] ** -0.5),
    "when the far head is multiplied by sqrt(D), although nothing is left to undo":
        _two(far=lambda q, k, v: far_head(q, k, v) * q.shape[1] ** 0.5),
    "when the near head is divided by sqrt(D) after its softmax":
        _two(near=lambda q, k, v, w: near_head(q, k, v, w) * q.shape[1] ** -0.5),
    "when both heads are divided by sqrt(D) after their softmax":
        lambda q, k, v, w: _two()(q, k, v, w) * q.shape[2] ** -0.5,
    "when the far head divides the queries by sqrt(D) before their softmax":
        _two(far=lambda q, k, v: far_head(q * q.shape[1] ** -0.5, k, v)),
    "when the far head divides queries and keys by D ** 0.25 before their softmaxes, as code for pictures does":
        _two(far=lambda q, k, v: far_head(q * q.shape[1] ** -0.25, k * q.shape[1] ** -0.25, v)),
    "when the near head has lost its 1/sqrt(D)": _two(near=lambda q, k, v, w: near_head(q, k, v, w, scale=1.0)),
    "when both softmaxes of the far head go over channels":
        _two(far=lambda q, k, v: q.softmax(-1) @ (k.softmax(-1).mT @ v)),
    "when both softmaxes of the far head go over positions":
        _two(far=lambda q, k, v: q.softmax(0) @ (k.softmax(0).mT @ v)),
    "when the far head has no softmax on the queries": _two(far=lambda q, k, v: q @ (k.softmax(0).mT @ v)),
    "when the far head is ordinary softmax attention": _two(far=lambda q, k, v: (q @ k.mT * q.shape[1] ** -0.5)
                                                            .softmax(-1) @ v),
    "when the near head sees its own block only": _two(near=lambda q, k, v, w: near_head(q, k, v, w, blocks=0)),
    "when the near head sees two blocks on each side": _two(near=lambda q, k, v, w: near_head(q, k, v, w, blocks=2)),
    "when the near head has a sliding window in place of blocks": _two(near=lambda q, k, v, w: _sliding(q, k, v, w)),
    "when the near head sees all tokens": _two(near=lambda q, k, v, w: near_head(q, k, v, len(q))),
    "when the two heads are exchanged": _swapped,
    "when both heads look near": _two(far=lambda q, k, v: near_head(q, k, v, 2)),
    "when both heads look far": _two(near=lambda q, k, v, w: far_head(q, k, v)),
    "when the far head divides the keys by sqrt(D) before their softmax":
        _two(far=lambda q, k, v: far_head(q, k * k.shape[1] ** -0.5, v)),
    "when the far head has no softmax on the keys": _two(far=lambda q, k, v: q.softmax(-1) @ (k.mT @ v)),
    "when the far head takes the queries, keys and values of the first head":
        lambda q, k, v, w: _two()(q[:1].expand_as(q), k[:1].expand_as(k), v[:1].expand_as(v), w),
}


def heads(seed: int) -> tuple[Any, ...]:
    """Queries, keys and values of two heads, and a window of two tokens, so that some tokens are never near."""
    return normal(seed, 2, N, D), normal(seed + 10, 2, N, D), normal(seed + 20, 2, N, E), 2


def shares(a: Attempt) -> Finding | None:
    q, k, v, window = a.given
    got = a.ask(q, k, torch.ones_like(v), window)
    for head, name in enumerate(("near", "far")):
        if off := row_difference(got[head], 1.0, 1e-6):
            return Finding(f"values that are all 1 should give 1; your {name} head gives {off.got}",
                           "A softmax over channels sums to one already: nothing may be multiplied to it.", True)
    return None


def sight(a: Attempt) -> Finding | None:
    q, k, v, window = a.given
    moved = v.clone()
    moved[:, -1] += 1
    change = (a.ask(q, k, moved, window) - a.got).abs().sum(-1) > 1e-12
    if change[0, 0]:
        return Finding("the last value changes the first output of your near head", "It sees three blocks.", True)
    return None if change[1, 0] else Finding("the last value does not change the first output of your far head",
                                             "The far head sees all tokens.", True)


def nearer(a: Attempt) -> Finding | None:
    return None if is_close(a.got[0], a.expected[0]) else Finding(
        "the near head was right in the code with the bug; yours differs from it",
        "Change one line, in the far head.", True)


near_and_far = Exercise(
    "near_and_far", "6.1", right, heads, (*FIRST, shares, sight, nearer, *LAST), WRONG,
    "Both heads now give mixtures of the values, as bright as the values.")
