"""Exercise 10.4: a softmax over kept keys and linear attention over the others, mixed by one number."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import elu

from ..comparison import number_pair, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .outputs import a_row_a_query
from .pairs import dot, mix_rows
from .samples import N, S, mixed, normal


def kept_pairs(seed: int) -> tuple[Any, ...]:
    """Queries, keys, values, kept pairs (N, S) with ones and zeros in each row, and alpha."""
    kept = (normal(seed + 30, N, S) > 0.3).double()
    kept[:, 0], kept[:, -1] = 1, 0
    return *mixed(seed), kept, (0.3, 0.6, 0.8)[seed % 3]


def right(q: Tensor, k: Tensor, v: Tensor, kept: Tensor, alpha: float) -> Tensor:
    """Pair by pair. q (N, D), k (S, D), v (S, E), kept (N, S) -> (N, E)."""
    out = torch.zeros(len(q), v.shape[1], dtype=v.dtype)
    phi_q, phi_k = ([_features(x) for x in table] for table in (q, k))
    for i in range(len(q)):
        exact = {j: math.exp(dot(q[i], k[j]) / math.sqrt(q.shape[1])) for j in range(len(k)) if kept[i, j]}
        rest = {j: sum(a * b for a, b in zip(phi_q[i], phi_k[j], strict=True)) for j in range(len(k)) if not kept[i, j]}
        for share, part in ((alpha, exact), (1 - alpha, rest)):
            for j, weight in part.items():
                out[i] += share * weight / sum(part.values()) * v[j]
    return out


def _features(x: Tensor) -> list[float]:
    e = [math.exp(y) for y in x.tolist()]
    return [y / sum(e) for y in e]


def _exact(q: Tensor, k: Tensor, power: float = 0.5) -> Tensor:
    return (q @ k.mT / q.shape[1] ** power).exp()


def _linear(q: Tensor, k: Tensor) -> Tensor:
    return q.softmax(-1) @ k.softmax(-1).mT


def _mixed(e: Tensor, f: Tensor, v: Tensor, alpha: float) -> Tensor:
    return alpha * mix_rows(e, v) + (1 - alpha) * mix_rows(f, v)


WRONG = {
    "when the linear part goes over all keys, so that kept keys count in both, as in public code":
        lambda q, k, v, m, a: _mixed(m * _exact(q, k), _linear(q, k), v, a),
    "when the softmax goes over all keys": lambda q, k, v, m, a: _mixed(_exact(q, k), (1 - m) * _linear(q, k), v, a),
    "when kept and other keys are exchanged":
        lambda q, k, v, m, a: _mixed((1 - m) * _exact(q, k), m * _linear(q, k), v, a),
    "when alpha and 1 - alpha are exchanged":
        lambda q, k, v, m, a: _mixed(m * _exact(q, k), (1 - m) * _linear(q, k), v, 1 - a),
    "when both parts are divided by one common sum": lambda q, k, v, m, a: mix_rows(
        a * m * _exact(q, k) + (1 - a) * (1 - m) * _linear(q, k), v),
    "without the linear part": lambda q, k, v, m, a: mix_rows(m * _exact(q, k), v),
    "without the exact part": lambda q, k, v, m, a: mix_rows((1 - m) * _linear(q, k), v),
    "when the linear part is added without a factor": lambda q, k, v, m, a: mix_rows(
        m * _exact(q, k), v) + mix_rows((1 - m) * _linear(q, k), v),
    "when both parts have the factor alpha": lambda q, k, v, m, a: a * (
        mix_rows(m * _exact(q, k), v) + mix_rows((1 - m) * _linear(q, k), v)),
    "with one half in place of alpha": lambda q, k, v, m, a: _mixed(m * _exact(q, k), (1 - m) * _linear(q, k), v, 0.5),
    "without the square root of D": lambda q, k, v, m, a: _mixed(m * _exact(q, k, 0), (1 - m) * _linear(q, k), v, a),
    "when it is divided by D, not by its square root":
        lambda q, k, v, m, a: _mixed(m * _exact(q, k, 1), (1 - m) * _linear(q, k), v, a),
    "when the features of the keys are a softmax over tokens": lambda q, k, v, m, a: _mixed(
        m * _exact(q, k), (1 - m) * (q.softmax(-1) @ k.softmax(0).mT), v, a),
    "when the features are relu": lambda q, k, v, m, a: _mixed(
        m * _exact(q, k), (1 - m) * (q.relu() @ k.relu().mT), v, a),
    "when the features of the keys are exponentials, without division": lambda q, k, v, m, a: _mixed(
        m * _exact(q, k), (1 - m) * (q.exp() @ k.exp().mT), v, a),
    "when scores that are not kept are 0, so that exp gives them weight 1": lambda q, k, v, m, a: _mixed(
        (m * (q @ k.mT) / q.shape[1] ** 0.5).exp(), (1 - m) * _linear(q, k), v, a),
    "when the linear part is not divided by its sum": lambda q, k, v, m, a: a * mix_rows(
        m * _exact(q, k), v) + (1 - a) * ((1 - m) * _linear(q, k)) @ v,
    "when the exact part is not divided by its sum": lambda q, k, v, m, a: a * (m * _exact(q, k)) @ v
    + (1 - a) * mix_rows((1 - m) * _linear(q, k), v),
    "when both parts are exact": lambda q, k, v, m, a: _mixed(m * _exact(q, k), (1 - m) * _exact(q, k), v, a),
    "when both parts are linear": lambda q, k, v, m, a: _mixed(m * _linear(q, k), (1 - m) * _linear(q, k), v, a),
    "when the features are elu + 1": lambda q, k, v, m, a: _mixed(
        m * _exact(q, k), (1 - m) * ((elu(q) + 1) @ (elu(k) + 1).mT), v, a),
    "when queries and keys are scaled before the features, too": lambda q, k, v, m, a: _mixed(
        m * _exact(q, k), (1 - m) * _linear(q * q.shape[1] ** -0.5, k * q.shape[1] ** -0.5), v, a),
}


def ones(a: Attempt) -> Finding | None:
    q, k, v, kept, alpha = a.given
    off = row_difference(a.ask(q, k, torch.ones_like(v), kept, alpha), 1.0, 1e-9)
    return None if off is None else Finding(
        f"each part is a mean, so values that are all 1 should give 1; yours give {off.got} at [{off.place}]",
        "Divide each part by its own sum, then mix: alpha and 1 - alpha.", True)


def parts_alone(a: Attempt) -> Finding | None:
    """alpha 1: the values of other keys do not matter; alpha 0: those of kept keys do not."""
    q, k, v, kept, _ = a.given
    for alpha, column, whose in ((1.0, -1, "a key that no query keeps"), (0.0, 0, "a key that all queries keep")):
        other = v.clone()
        other[column] += 1
        moved = (a.ask(q, k, other, kept, alpha) - a.ask(q, k, v, kept, alpha)).abs().max().item()
        if moved > 1e-12:
            return Finding(f"alpha = {alpha:.0f}: changing the value of {whose} should change nothing; your output "
                           f"changed by {moved:.2g}", "alpha belongs to kept keys, and 1 - alpha to all others.", True)
    return None


def share_kept(a: Attempt) -> Finding | None:
    """The kept keys together have the weight alpha."""
    q, k, v, _, alpha = a.given
    half = torch.zeros_like(a.given[3])
    half[:, :2] = 1
    mark = torch.zeros_like(v)
    mark[:2] = 1
    got = a.ask(q, k, mark, half, alpha)[0, 0].item()
    return None if abs(got - alpha) < 1e-9 else Finding(
        "the kept keys of a query together should have the weight alpha = {}; yours have {}".format(
            *number_pair(alpha, got, ".2f")), "The parts are normalised separately, then mixed.", True)


exact_and_linear = Exercise(
    "exact_and_linear", "10.4", right, kept_pairs,
    (*FIRST[:2], a_row_a_query, *FIRST[2:], ones, parts_alone, share_kept, *LAST), WRONG,
    "A few keys are exact, and no key is out of sight.")
