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


def remembered(q: list[list[float]], k: list[list[float]], v: list[list[float]], fades: list[list[float]],
               beta: list[float], erase: float = 0.0, each: int = 1) -> Tensor:
    """Fade, look up, write, read: the memory as D x E numbers, one step of `each` tokens after another: o (N, E)."""
    wide, deep = len(k[0]), len(v[0])
    S, out = [[0.0] * deep for _ in range(wide)], []
    for t in range(len(q) // each):
        S = [[fades[t][d] * x for x in row] for d, row in enumerate(S)]
        step, before = range(t * each, (t + 1) * each), [list(row) for row in S]
        for j in step:
            known = [sum(before[d][e] * k[j][d] for d in range(wide)) for e in range(deep)]
            new = [beta[j] * (v[j][e] - erase * known[e]) for e in range(deep)]
            for d in range(wide):
                for e in range(deep):
                    S[d][e] += k[j][d] * new[e]
        out += [[sum(S[d][e] * q[i][d] for d in range(wide)) for e in range(deep)] for i in step]
    return torch.tensor(out, dtype=torch.float64)


def unit(x: list[float]) -> list[float]:
    """x divided by the root of |x|^2 + 1e-6."""
    length = math.sqrt(inner(x, x) + 1e-6)
    return [value / length for value in x]


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def softplus(x: float) -> float:
    return math.log(1 + math.exp(x))


def identity(n: int) -> list[list[float]]:
    """Values that show the map: what is read of them are its rows."""
    return [[float(i == j) for j in range(n)] for i in range(n)]
