"""Right answers to the exercises of chapter 0, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum


def uniform_ones(N: int, S: int) -> Tensor:
    return torch.ones(N, S) / S


def uniform_full(N: int, S: int) -> Tensor:
    return torch.full((N, S), 1 / S, dtype=torch.float64)


def uniform_softmax(N: int, S: int) -> Tensor:
    return torch.zeros(N, S).softmax(-1)


def favourites_topk(A: Tensor, i: int, n: int) -> tuple[Tensor, Tensor]:
    weights, keys = A[i].topk(n)
    return keys, weights


def favourites_sorted(A: Tensor, i: int, n: int) -> tuple[Tensor, Tensor]:
    keys = A[i].argsort(descending=True)[:n]
    return keys, A[i, keys]


def favourites_flipped(A: Tensor, i: int, n: int) -> tuple[Tensor, Tensor]:
    row = A[i, :]
    order = torch.sort(-row).indices[0:n]
    return order, row[order]


def apply_product(A: Tensor, v: Tensor) -> Tensor:
    return A @ v


def apply_einsum(A: Tensor, v: Tensor) -> Tensor:
    return einsum("ij,je->ie", A, v)


def apply_sums(A: Tensor, v: Tensor) -> Tensor:
    weighed = A[:, :, None] * v[None]
    return weighed.sum(dim=1)


def _uniform(answer) -> bool:
    """The oracle of 0.1, which is right in float32 as in float64."""
    try:
        return all((answer(N, S).double() - torch.ones(N, S) / S).abs().max() < 1e-6 and answer(N, S).shape == (N, S)
                   for N, S in ((3, 8), (9, 2)))
    except Exception:
        return False


ANSWERS = {
    "uniform": (uniform_ones, uniform_full, uniform_softmax),
    "favourites": (favourites_topk, favourites_sorted, favourites_flipped),
    "apply": (apply_product, apply_einsum, apply_sums),
}
ORACLES = {"uniform": _uniform}
