"""What many checks compute: means of values, pair by pair for right answers and row by row for wrong ones, and bits."""
from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.special import entr

EPS = 1e-6  # added to a row sum by the official code
Weigh = Callable[[Tensor, Tensor], float]


def mix_pairs(weigh: Weigh, q: Tensor, k: Tensor, v: Tensor, *, eps: float = 0.0,
              seen: Callable[[int], slice] = lambda i: slice(None)) -> Tensor:
    """Pair by pair: for every query the mean of the values that it has `seen`, weighted by weigh(query, key)."""
    out = torch.zeros(len(q), v.shape[1], dtype=v.dtype)
    for i, query in enumerate(q):
        weights = [weigh(query, key) for key in k[seen(i)]]
        for weight, value in zip(weights, v[seen(i)], strict=True):
            out[i] += weight / (sum(weights) + eps) * value
    return out


def dot(query: Tensor, key: Tensor) -> float:
    """The product of a query and a key."""
    return (query * key).sum().item()


def attend(q: Tensor, k: Tensor, v: Tensor, eps: float = EPS) -> Tensor:
    """Linear attention for features q (N, M) and k (S, M), the keys first."""
    return q @ (k.mT @ v) / (q @ k.sum(0)[:, None] + eps)


def mix_rows(weights: Tensor, v: Tensor) -> Tensor:
    """Values mixed by weights (N, S), each row divided by its sum."""
    return weights @ v / weights.sum(-1, keepdim=True)


def bits(a: Tensor, dim: int = -1) -> Tensor:
    """Entropy in bits along an axis of weights that sum to one."""
    return entr(a).sum(dim) / math.log(2)


def listed(x: Tensor) -> str:
    """Numbers as text, for a finding.

    >>> listed(torch.tensor([0.5, 0.25]))
    '0.50, 0.25'
    """
    return ", ".join(f"{y:.2f}" for y in x.tolist())
