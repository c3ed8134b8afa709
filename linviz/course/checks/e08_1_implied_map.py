"""Exercise 8.1: the map of Linformer on all positions, which its two projections imply."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

N, S, D, K = 7, 6, 5, 4  # queries, keys, channels, summaries


def right(q: Tensor, k: Tensor, E: Tensor, F: Tensor) -> Tensor:
    """Summary by summary. q (N, D), k (S, D), E and F (K, S) -> (N, S)."""
    keys = torch.stack([(row[:, None] * k).sum(0) for row in E])
    out = torch.zeros(len(q), len(k), dtype=q.dtype)
    for i, query in enumerate(q):
        p = torch.stack([((query * key).sum() / q.shape[1] ** 0.5).exp() for key in keys])
        for n, weight in enumerate(p / p.sum()):
            out[i] += weight * F[n]
    return out


def over_summaries(q: Tensor, k: Tensor, E: Tensor, scale: float | None = None) -> Tensor:
    """P, the softmax of every query over the summaries: (N, K)."""
    return (q @ (E @ k).mT * (q.shape[1] ** -0.5 if scale is None else scale)).softmax(-1)


WRONG = {
    "when E and F are exchanged": lambda q, k, E, F: over_summaries(q, k, F) @ E,
    "when E is used for the values, too": lambda q, k, E, F: over_summaries(q, k, E) @ E,
    "when F is used for the keys, too": lambda q, k, E, F: over_summaries(q, k, F) @ F,
    "without 1/sqrt(D)": lambda q, k, E, F: over_summaries(q, k, E, 1.0) @ F,
    "when sqrt(K) divides the scores, not sqrt(D)": lambda q, k, E, F: over_summaries(q, k, E, len(E) ** -0.5) @ F,
    "without the softmax": lambda q, k, E, F: q @ (E @ k).mT * q.shape[1] ** -0.5 @ F,
    "when the softmax goes over queries": lambda q, k, E, F: (q @ (E @ k).mT * q.shape[1] ** -0.5).softmax(0) @ F,
    "when the softmax comes after F": lambda q, k, E, F: (q @ (E @ k).mT * q.shape[1] ** -0.5 @ F).softmax(-1),
    "when a second softmax makes every row of F a probability distribution":
        lambda q, k, E, F: over_summaries(q, k, E) @ F.softmax(-1),
    "when the rows of the map are divided by their sums":
        lambda q, k, E, F: right(q, k, E, F) / right(q, k, E, F).sum(-1, keepdim=True),
    "when negative weights are set to zero": lambda q, k, E, F: right(q, k, E, F).relu(),
    "with softmax attention over all keys, without projections":
        lambda q, k, E, F: (q @ k.mT / q.shape[1] ** 0.5).softmax(-1),
    "when the scores of all keys are projected before the softmax of their positions":
        lambda q, k, E, F: (q @ k.mT / q.shape[1] ** 0.5).softmax(-1) @ E.mT @ F,
    "when exp stands without the division by its sum":
        lambda q, k, E, F: (q @ (E @ k).mT * q.shape[1] ** -0.5).exp() @ F,
    "when every summary has the same weight": lambda q, k, E, F: F.mean(0).expand(len(q), -1).clone(),
    "when the scores have a sign too many": lambda q, k, E, F: over_summaries(-q, k, E) @ F,
    "when P comes back, which has weights on summaries, not on positions":
        lambda q, k, E, F: over_summaries(q, k, E),
    "when D divides the scores, not its square root":
        lambda q, k, E, F: over_summaries(q, k, E, 1 / q.shape[1]) @ F,
    "when sqrt(S) divides the scores, not sqrt(D)": lambda q, k, E, F: over_summaries(q, k, E, len(k) ** -0.5) @ F,
    "when every row of E is divided by its sum first":
        lambda q, k, E, F: over_summaries(q, k, E / E.sum(-1, keepdim=True)) @ F,
}


def projected(seed: int) -> tuple[Any, ...]:
    """Queries, keys, and two projections of positions."""
    return normal(seed, N, D), normal(seed + 10, S, D), normal(seed + 20, K, S), normal(seed + 30, K, S)


def through_f(a: Attempt) -> Finding | None:
    q, k, E, F = a.given
    return None if is_close(a.ask(q, k, E, 2 * F), 2 * a.got, 1e-9) else Finding(
        "with F twice as large, every weight of the map doubles; yours do not",
        "F comes last: it spreads the weight of a summary over the positions.", True)


def chooses(a: Attempt) -> Finding | None:
    q, k, E, F = a.given
    got = a.ask(q, k, E, torch.ones_like(F))
    return None if (got - 1).abs().max() < 1e-9 else Finding(
        f"if every entry of F is 1, every weight is the sum of a row of P, which is 1; yours is {got.flatten()[0]:.4f}",
        "P has a softmax over the K summaries: each query divides one unit.", True)


def by_keys(a: Attempt) -> Finding | None:
    q, k, E, F = a.given
    kept, moved = a.ask(q, 2 * k, E / 2, F), a.ask(q, k, 2 * E, F)
    return None if is_close(kept, a.got, 1e-9) and not is_close(moved, a.got, 1e-6) else Finding(
        "E belongs to the keys: twice k with half of E should change nothing, and twice E should change weights",
        "The summaries of the keys are E @ k.", True)


implied_map = Exercise(
    "implied_map", "8.1", right, projected, (*FIRST, through_f, chooses, by_keys, *LAST), WRONG,
    "Rows of P are probability distributions; rows of this map are not.")
