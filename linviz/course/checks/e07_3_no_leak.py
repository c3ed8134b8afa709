"""Exercise 7.3, find the bug: causal attention with random features, in which the future leaks into the past."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

N, D, E, M = 7, 5, 3, 4  # tokens, channels, width of v, directions


def right(q: Tensor, k: Tensor, v: Tensor, w: Tensor, eps: float) -> Tensor:
    """Pair by pair. q and k (N, D), v (N, E), w (M, D) -> (N, E)."""
    out = torch.zeros_like(v)
    for i, query in enumerate(q):
        along = torch.stack([(direction * query).sum() for direction in w])
        phi_q = (along - (query * query).sum() / 2 - along.max()).exp() + eps
        weights = []
        for key in k[:i + 1]:
            phi_k = torch.stack([((direction * key).sum() - (key * key).sum() / 2).exp() for direction in w]) + eps
            weights.append((phi_q * phi_k).sum())
        out[i] = sum(a * x for a, x in zip(weights, v, strict=False)) / sum(weights)
    return out


def half(x: Tensor) -> Tensor:
    """|x|^2 / 2 of every row: (N, 1)."""
    return x.square().sum(-1, keepdim=True) / 2


def query_features(q: Tensor, w: Tensor, eps: float) -> Tensor:
    """Features of queries, each with a maximum of its own."""
    along = q @ w.mT
    return (along - half(q) - along.amax(-1, keepdim=True)).exp() + eps


def key_features(k: Tensor, w: Tensor, eps: float) -> Tensor:
    """Features of keys, with no maximum."""
    return (k @ w.mT - half(k)).exp() + eps


Phi = Callable[[Tensor, Tensor, float], Tensor]


def _attend(queries: Phi = query_features, keys: Phi = key_features,
            seen: Callable[[Tensor], Tensor] = torch.tril, divide: bool = True) -> Callable[..., Tensor]:
    def answer(q: Tensor, k: Tensor, v: Tensor, w: Tensor, eps: float) -> Tensor:
        a = seen(queries(q, w, eps) @ keys(k, w, eps).mT)
        return (a / a.sum(-1, keepdim=True) if divide else a) @ v
    return answer



WRONG = {
    "when the bug is still in: one maximum for all keys":
        _attend(keys=lambda k, w, eps: (k @ w.mT - half(k) - (k @ w.mT).max()).exp() + eps),
    "when every key subtracts a maximum of its own, which does not cancel in a row":
        _attend(keys=lambda k, w, eps: (k @ w.mT - half(k) - (k @ w.mT).amax(-1, keepdim=True)).exp() + eps),
    "when every direction subtracts its largest key, which is in the future, too":
        _attend(keys=lambda k, w, eps: (k @ w.mT - half(k) - (k @ w.mT).amax(0)).exp() + eps),
    "when the running maximum of the keys is subtracted, which differs from key to key":
        _attend(keys=lambda k, w, eps: (k @ w.mT - half(k) - (k @ w.mT).amax(-1).cummax(0).values[:, None]).exp()
                + eps),
    "when eps is left out": lambda q, k, v, w, eps: _attend()(q, k, v, w, 0.0),
    "when eps is left out of the features of the keys": _attend(keys=lambda k, w, eps: key_features(k, w, 0.0)),
    "when eps is left out of the features of the queries": _attend(lambda q, w, eps: query_features(q, w, 0.0)),
    "when one maximum is subtracted from all queries":
        _attend(lambda q, w, eps: (q @ w.mT - half(q) - (q @ w.mT).max()).exp() + eps),
    "when no maximum is subtracted from the queries, which changes what eps means": _attend(key_features),
    "when the mask is missing, and every query sees all keys": _attend(seen=lambda a: a),
    "when a query sees the next key, too": _attend(seen=lambda a: a.tril(1)),
    "when the mask is turned, and every query sees itself and the future": _attend(seen=torch.triu),
    "without |k|^2 / 2": _attend(keys=lambda k, w, eps: (k @ w.mT).exp() + eps),
    "when |k|^2 / 2 is added": _attend(keys=lambda k, w, eps: (k @ w.mT + half(k)).exp() + eps),
    "without |q|^2 / 2, which changes what eps means":
        _attend(lambda q, w, eps: (q @ w.mT - (q @ w.mT).amax(-1, keepdim=True)).exp() + eps),
    "when rows are not divided by their sums": _attend(divide=False),
    "when relu takes the place of the exponential for keys":
        _attend(keys=lambda k, w, eps: (k @ w.mT - half(k)).relu() + eps),
    "when queries and keys are exchanged": lambda q, k, v, w, eps: _attend()(k, q, v, w, eps),
}


def stream(seed: int) -> tuple[Any, ...]:
    """As many queries as keys, values, directions and an eps that can be seen."""
    return normal(seed, N, D), normal(seed + 10, N, D), normal(seed + 20, N, E), normal(seed + 30, M, D), 0.05


def leak(a: Attempt) -> Finding | None:
    q, k, v, w, eps = a.given
    loud = k.clone()
    loud[-1] *= 3
    change = (a.ask(q, loud, v, w, eps) - a.got)[:-1].abs().max().item()
    return None if change < 1e-9 else Finding(
        f"the last key times 3 changes an earlier output by {change:.2g}",
        "What does the feature of a key depend on, besides this key?", True)


def shares(a: Attempt) -> Finding | None:
    q, k, v, w, eps = a.given
    off = row_difference(a.ask(q, k, torch.ones_like(v), w, eps), 1.0, 1e-6)
    return None if off is None else Finding(f"values that are all 1 should give 1; yours give {off.got}",
                                            "Divide by the sum of the row, over the keys seen so far.", True)


def of_keys(a: Attempt) -> Finding | None:
    """With one direction and eps = 0 the features of a query cancel, so only those of the keys are seen."""
    q, k, v, w, _ = a.given
    got, wanted = a.ask(q, k, v, w[:1], 0.0), right(q, k, v, w[:1], 0.0)
    off = first_difference(got, wanted, form=".4f")
    return None if off is None else Finding(
        f"one direction, eps 0: expected {off.wanted} at [{off.place}], yours {off.got}; so the keys' features differ",
        "A key has exp(w . k - |k|^2 / 2) + eps: only this key, and no maximum.", True)


def of_queries(a: Attempt) -> Finding | None:
    q, k, v, w, _ = a.given
    if is_close(a.got, a.expected):
        return None
    where = "with" if is_close(a.ask(q, k, v, w, 0.0), right(q, k, v, w, 0.0)) else "even without"
    return Finding(f"your keys' features are right, but {where} eps the features of the queries differ",
                   "A query has exp(w . q - |q|^2 / 2 - its own largest w . q) + eps.", True)


no_leak = Exercise(
    "no_leak", "7.3", right, stream, (*FIRST, leak, shares, of_keys, of_queries, *LAST), WRONG,
    "Now no later token can reach an earlier output.")
