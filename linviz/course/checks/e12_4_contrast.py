"""Exercise 12.4: linear attention with a contrast, without a table of all pairs."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .pairs import attend
from .samples import E, M, N, S, normal, phi
from .work_properties import linear_in_tokens


def right(phi_q: Tensor, phi_k: Tensor, v: Tensor, c: Tensor) -> Tensor:
    """Pair by pair. phi_q (N, M), phi_k (S, M), v (S, E), c (N,) -> (N, E)."""
    out = torch.zeros(len(phi_q), v.shape[1], dtype=v.dtype)
    for i, query in enumerate(phi_q):
        weights = [(query * key).sum() for key in phi_k]
        for weight, value in zip(weights, v, strict=True):
            out[i] += (1 / len(v) + c[i] * (weight / sum(weights) - 1 / len(v))) * value
    return out


def _linear(p: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return attend(p, k, v, eps=0.0)


def _table(p: Tensor, k: Tensor, c: Tensor) -> Tensor:
    w = p @ k.mT
    return 1 / len(k) + c[:, None] * (w / w.sum(-1, keepdim=True) - 1 / len(k))


WRONG = {
    "when the contrast is ignored, or multiplies the features, where it cancels": lambda p, k, v, c: _linear(p, k, v),
    "when the contrast multiplies the whole output": lambda p, k, v, c: c[:, None] * _linear(p, k, v),
    "when the mean of the values is not subtracted before the contrast":
        lambda p, k, v, c: v.mean(0) + c[:, None] * _linear(p, k, v),
    "when the mean of the values is not added back":
        lambda p, k, v, c: c[:, None] * (_linear(p, k, v) - v.mean(0)),
    "when the sum of the values stands for their mean":
        lambda p, k, v, c: v.sum(0) + c[:, None] * (_linear(p, k, v) - v.sum(0)),
    "when linear attention and the mean are exchanged":
        lambda p, k, v, c: _linear(p, k, v) + c[:, None] * (v.mean(0) - _linear(p, k, v)),
    "when the contrast is 1 + c": lambda p, k, v, c: v.mean(0) + (1 + c)[:, None] * (_linear(p, k, v) - v.mean(0)),
    "when it is divided by the contrast": lambda p, k, v, c: v.mean(0) + (_linear(p, k, v) - v.mean(0)) / c[:, None],
    "when all queries get the mean contrast":
        lambda p, k, v, c: v.mean(0) + c.mean() * (_linear(p, k, v) - v.mean(0)),
    "when negative weights are set to zero": lambda p, k, v, c: _table(p, k, c).relu() @ v,
    "when negative weights are set to zero and the rows divided by their sums again":
        lambda p, k, v, c: _table(p, k, c).relu() @ v / _table(p, k, c).relu().sum(-1, keepdim=True),
    "when the mean is taken over the channels, not over the keys":
        lambda p, k, v, c: v.mean() + c[:, None] * (_linear(p, k, v) - v.mean()),
    "when the rows are not divided by their sums":
        lambda p, k, v, c: v.mean(0) + c[:, None] * (p @ (k.mT @ v) - v.mean(0)),
    "when the weights are divided by the number of keys, not by their sum":
        lambda p, k, v, c: v.mean(0) + c[:, None] * (p @ (k.mT @ v) / len(k) - v.mean(0)),
    "with a power of the weights instead of a contrast":
        lambda p, k, v, c: (w := (p @ k.mT) ** c[:, None]) @ v / w.sum(-1, keepdim=True),
    "when the mean of the outputs stands for the mean of the values":
        lambda p, k, v, c: torch.lerp(_linear(p, k, v).mean(0).expand(len(p), -1), _linear(p, k, v), c[:, None]),
    "when the uniform weight is one over the number of queries, not of keys":
        lambda p, k, v, c: v.sum(0) / len(p) + c[:, None] * (_linear(p, k, v) - v.sum(0) / len(p)),
    "with the sign of the contrast reversed":
        lambda p, k, v, c: v.mean(0) - c[:, None] * (_linear(p, k, v) - v.mean(0)),
}


def mixed(seed: int, queries: int = N, keys: int = S) -> tuple[Any, ...]:
    """Inputs: features, values, and a contrast for each query, from 0.5 to 3.5."""
    c = torch.linspace(0.5, 3.5, queries, dtype=torch.float64).roll(seed)
    return phi(seed, queries, M), phi(seed + 10, keys, M), normal(seed + 20, keys, E), c


def rows_sum_to_one(a: Attempt) -> Finding | None:
    p, k, v, c = a.given
    off = row_difference(a.ask(p, k, torch.ones_like(v), c), 1.0, 1e-6, ".3f")
    return None if off is None else Finding(
        f"for every contrast a row sums to one, so values that are all 1 should give 1; yours give {off.got}",
        "Only the distance from the uniform row is multiplied: A = 1/S + c (p - 1/S).", True)


def nought_is_uniform(a: Attempt) -> Finding | None:
    p, k, v, c = a.given
    wanted = v.mean(0).expand(len(p), -1)
    return None if is_close(a.ask(p, k, v, torch.zeros_like(c)), wanted, 1e-6) else Finding(
        "with a contrast of 0 every output should be the mean of the values; yours are not",
        "At c = 0 nothing of p is left: A = 1/S.", True)


def one_is_linear(a: Attempt) -> Finding | None:
    p, k, v, c = a.given
    return None if is_close(a.ask(p, k, v, torch.ones_like(c)), _linear(p, k, v), 1e-6) else Finding(
        "with a contrast of 1 the outputs should be those of linear attention; yours are not",
        "At c = 1 the two 1/S cancel: A = p.", True)


no_table = linear_in_tokens(lambda n: mixed(0, n, n), "A v = mean(v) + c (p v - mean(v)); and p v by its bracket.")
contrast = Exercise(
    "contrast", "12.4", right, mixed, (*FIRST, nought_is_uniform, one_is_linear, rows_sum_to_one, *LAST, no_table),
    WRONG, "Uniform, linear, InLine and MALA are one line; only c differs.")
