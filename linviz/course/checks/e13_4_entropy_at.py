"""Exercise 13.4: the entropy of every row for a given strength of the gate."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import RELATIVE
from .samples import M, N, S, normal, phi


def right(phi_q: Tensor, phi_k: Tensor, z_q: Tensor, z_k: Tensor, s: float) -> Tensor:
    """Row by row. phi_q, z_q (N, M), phi_k, z_k (S, M), s a number -> (N,) bits."""
    out = []
    for i in range(len(phi_q)):
        gates = [1 / (1 + torch.exp(-s * z_q[i])) / (1 + torch.exp(-s * z_k[j])) for j in range(len(phi_k))]
        weights = [(g * phi_q[i] * phi_k[j]).sum().item() for j, g in enumerate(gates)]
        out.append(-sum(w / sum(weights) * math.log2(w / sum(weights)) for w in weights))
    return torch.tensor(out, dtype=phi_q.dtype)


def _table(p: Tensor, k: Tensor, s: Tensor, t: Tensor) -> Tensor:
    return (p * s) @ (k * t).mT


def _bits(weights: Tensor) -> Tensor:
    a = weights / weights.sum(-1, keepdim=True)
    return -(a * a.log2()).sum(-1)


def _at(p: Tensor, k: Tensor, y: Tensor, z: Tensor, s: float) -> Tensor:
    return _table(p, k, (s * y).sigmoid(), (s * z).sigmoid())


def _unshared(*given: Any) -> Tensor:
    weights = _at(*given)
    return -(weights * weights.log2()).sum(-1)


def _columns(*given: Any) -> Tensor:
    a = _at(*given) / _at(*given).sum(-2, keepdim=True)
    return -(a * a.log2()).sum(-1)


def _slide(z: Tensor, s: float) -> Tensor:
    return (1 - s) / 2 + s * z.sigmoid()


WRONG = {
    "with the natural logarithm: that is nats, not bits": lambda *given: _bits(_at(*given)) * math.log(2),
    "with the logarithm to base 10": lambda *given: _bits(_at(*given)) * math.log10(2),
    "when the rows are not divided by their sums": _unshared,
    "when columns are divided by their sums, not rows": _columns,
    "when the strength is forgotten, or multiplies the ratio (then it cancels)":
        lambda p, k, y, z, s: _bits(_at(p, k, y, z, 1.0)),
    "when the strength interpolates between the ratios 1/2 and r, not between the logits 0 and z":
        lambda p, k, y, z, s: _bits(_table(p, k, _slide(y, s), _slide(z, s))),
    "when the strength is an exponent of the ratio, sigmoid(z) ** s":
        lambda p, k, y, z, s: _bits(_table(p, k, y.sigmoid() ** s, z.sigmoid() ** s)),
    "when z is divided by the strength, like a temperature": lambda p, k, y, z, s: _bits(_at(p, k, y, z, 1 / s)),
    "when the strength is added to z": lambda p, k, y, z, s: _bits(_at(p, k, y + s, z + s, 1.0)),
    "when only the query gate has a strength": lambda p, k, y, z, s: _bits(_at(p, k, y, z / s, s)),
    "when only the key gate has a strength": lambda p, k, y, z, s: _bits(_at(p, k, y / s, z, s)),
    "when the key gate is left out": lambda p, k, y, z, s: _bits(_at(p, k, y, 0 * z, s)),
    "when the query gate is left out": lambda p, k, y, z, s: _bits(_at(p, k, 0 * y, z, s)),
    "without the sigmoid, so that the logits are used as ratios":
        lambda p, k, y, z, s: _bits(_table(p, k, s * y, s * z)),
    "when z has the wrong sign": lambda p, k, y, z, s: _bits(_at(p, k, -y, -z, s)),
    "when the minus before the sum is missing": lambda *given: -_bits(_at(*given)),
    "when two to the power of the entropy comes back: effective tokens, not bits":
        lambda *given: _bits(_at(*given)).exp2(),
    "when the entropy is divided by its maximum, log2 S": lambda *given: _bits(_at(*given)) / math.log2(S),
    "when the weights go through a softmax instead of being divided by their sum":
        lambda *given: _bits(_at(*given).exp()),
    "when the features are left out, so that only the ratios are used":
        lambda p, k, y, z, s: _bits(_at(p / p, k / k, y, z, s)),
}


def strong(seed: int) -> tuple[Any, ...]:
    """Inputs: features, logits, and a strength below or above 1."""
    return (phi(seed, N, M), phi(seed + 10, S, M), 2 * normal(seed + 20, N, M), 2 * normal(seed + 30, S, M),
            (0.5, 0.8, 1.3)[seed % 3])


def uniform(a: Attempt) -> Finding | None:
    one, most = torch.ones(N, M, dtype=torch.float64), math.log2(S)
    got = a.ask(one, one[:S], 0 * one, 0 * one[:S], 1.0)
    off = row_difference(got, most, RELATIVE, ".3f")
    return None if off is None else Finding(
        f"a row with {S} equal weights has log2({S}) = {off.wanted} bits; yours has {off.got}",
        "First divide each row by its sum. Then take minus the sum of a log2 a.", True)


def cancels(a: Attempt) -> Finding | None:
    p, k, y, z, _ = a.given
    got, plain = a.ask(p, k, y, z, 0.0), right(p, k, 0 * y, 0 * z, 1.0)
    off = first_difference(got, plain, 1e-6, ".3f")
    return None if off is None else Finding(
        f"at strength 0 the gate cancels, and row {off.place} has {off.wanted} bits; yours has {off.got}",
        "sigmoid(0 * z) is one half for every token and channel.", True)


def full(a: Attempt) -> Finding | None:
    p, k, y, z, _ = a.given
    got, gated = a.ask(p, k, y, z, 1.0), right(p, k, y, z, 1.0)
    off = first_difference(got, gated, form=".3f")
    return None if off is None else Finding(
        f"at strength 1 the gate is sigmoid(z) itself: {off.wanted} bits; yours has {off.got}",
        "Compute r = sigmoid(s z) on both sides, divide each row by its sum, and then take the entropy.", True)


entropy_at = Exercise(
    "entropy_at", "13.4", right, strong, (*FIRST, uniform, cancels, full, *LAST), WRONG,
    "At strength 0 the gate cancels, at 1 it is the gate itself, and between them the bits change smoothly.")
