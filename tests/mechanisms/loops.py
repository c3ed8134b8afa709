"""Small random q, k, v in plain lists of numbers: definitions are written pair by pair on these."""
from __future__ import annotations

import math

import torch
from torch import Tensor

N, S, D, E = 6, 6, 4, 3


def vectors(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """q (N, D), k (S, D), v (S, E), float64."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(n, w, generator=generator, dtype=torch.float64) for n, w in ((N, D), (S, D), (S, E)))  # type: ignore[return-value]


def single(*tensors: Tensor) -> list[Tensor]:
    """One batch, one head: (N, D) -> (1, 1, N, D)."""
    return [t[None, None] for t in tensors]


def dot(a: Tensor, b: Tensor) -> float:
    total = 0.0
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        total += x * y
    return total


def from_similarity(sim, q: Tensor, k: Tensor, eps: float = 1e-6) -> Tensor:
    """A_ij = sim(q_i, k_j) / (sum_l sim(q_i, k_l) + eps), pair by pair."""
    a = torch.zeros(len(q), len(k), dtype=torch.float64)
    for i in range(len(q)):
        weights = [sim(q[i], k[j]) for j in range(len(k))]
        for j, w in enumerate(weights):
            a[i, j] = w / (sum(weights) + eps)
    return a


def mixed(a: Tensor, v: Tensor) -> Tensor:
    """o_i = sum_j A_ij v_j, pair by pair."""
    o = torch.zeros(len(a), v.shape[1], dtype=torch.float64)
    for i in range(len(a)):
        for j in range(len(v)):
            o[i] += a[i, j] * v[j]
    return o


def elu_plus_one(x: list[float]) -> list[float]:
    return [value + 1 if value > 0 else math.exp(value) for value in x]


def turned(x: list[float], angles: list[float]) -> list[float]:
    """Channels 0 and 1 turned by the first angle, 2 and 3 by the second, and so on; the rest stays."""
    y = list(x)
    for m, angle in enumerate(angles):
        a, b = x[2 * m], x[2 * m + 1]
        y[2 * m] = a * math.cos(angle) - b * math.sin(angle)
        y[2 * m + 1] = a * math.sin(angle) + b * math.cos(angle)
    return y


def inner(x: list[float], y: list[float]) -> float:
    return sum(a * b for a, b in zip(x, y, strict=True))
