"""Exercise 16.2, find the bug: graph attention, which one public code for sparse graphs turns upside down."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .outputs import a_row_a_query
from .samples import E, normal

N, S, D = 5, 6, 4  # queries, keys, channels
EDGES = ((0, 0, 1, 1, 1, 2, 3, 3, 4, 4, 4), (0, 2, 1, 3, 5, 2, 3, 4, 0, 4, 5))


def right(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    """Query by query. q (N, D), k (S, D), v (S, E), a, b (D,), edges (2, M) -> (N, E)."""
    out = torch.zeros(len(q), v.shape[1], dtype=v.dtype)
    for i in range(len(q)):
        near = [int(j) for query, j in edges.T.tolist() if query == i]
        score = [(a @ q[i] + b @ k[j]).item() for j in near]
        weight = torch.tensor([x if x > 0 else 0.2 * x for x in score], dtype=v.dtype).softmax(0)
        for w, j in zip(weight, near, strict=True):
            out[i] += w * v[j]
    return out


def mix(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor, *, slope: float = 0.2, sign: float = 1,
        by: str = "query", inside: bool = True, exponential: bool = True) -> Tensor:
    """Graph attention with one thing done differently."""
    i, j = edges
    one, other = q[i] @ a, k[j] @ b
    score = leaky_relu(one + other, slope) if inside else leaky_relu(one, slope) + leaky_relu(other, slope)
    weight = (sign * score).exp() if exponential else score
    whose = {"query": i, "key": j, "all": torch.zeros_like(i), "none": None}[by]
    if whose is not None:
        weight = weight / torch.zeros(max(len(q), len(k)), dtype=v.dtype).index_add(0, whose, weight)[whose]
    return torch.zeros(len(q), v.shape[1], dtype=v.dtype).index_add(0, i, weight[:, None] * v[j])


def _dynamic(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    i, j = edges
    weight = (leaky_relu(q[i] + k[j], 0.2) @ a).exp()
    weight = weight / torch.zeros(len(q), dtype=v.dtype).index_add(0, i, weight)[i]
    return torch.zeros(len(q), v.shape[1], dtype=v.dtype).index_add(0, i, weight[:, None] * v[j])


def _mean(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    return mix(q, k, v, 0 * a, 0 * b, edges)


def _no_graph(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    return leaky_relu((q @ a)[:, None] + k @ b, 0.2).softmax(-1) @ v


def _one_value(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    i, j = edges
    weight = leaky_relu(q[i] @ a + k[j] @ b, 0.2).exp()
    weight = weight / torch.zeros(len(q), dtype=v.dtype).index_add(0, i, weight)[i]
    return torch.zeros(len(q), v.shape[1], dtype=v.dtype).index_put((i,), weight[:, None] * v[j])


WRONG: dict[str, Answer] = {
    "when the bug is still there: the exponential of minus the score": lambda *x: mix(*x, sign=-1),
    "when LeakyReLU is forgotten": lambda *x: mix(*x, slope=1.0),
    "when LeakyReLU has torch's slope, 0.01": lambda *x: mix(*x, slope=0.01),
    "when a plain ReLU is taken": lambda *x: mix(*x, slope=0.0),
    "when LeakyReLU is applied to each side, and not to their sum": lambda *x: mix(*x, inside=False),
    "when the weights are not divided": lambda *x: mix(*x, by="none"),
    "when the weights are divided by the sum over all edges": lambda *x: mix(*x, by="all"),
    "when the weights of each key sum to one, and not those of each query": lambda *x: mix(*x, by="key"),
    "when the exponential is forgotten": lambda *x: mix(*x, exponential=False),
    "when a and b are exchanged": lambda q, k, v, a, b, e: mix(q, k, v, b, a, e),
    "when a is used on both sides": lambda q, k, v, a, b, e: mix(q, k, v, a, a, e),
    "when the query's part of the score has the wrong sign": lambda q, k, v, a, b, e: mix(q, k, v, -a, b, e),
    "when the key's part of the score has the wrong sign": lambda q, k, v, a, b, e: mix(q, k, v, a, -b, e),
    "when a, b are used as in the dynamic form": _dynamic,
    "when all neighbours count equally": _mean,
    "when every query sees all keys, with or without an edge": _no_graph,
    "when only one edge of each query is added: `out[queries] = ...` writes over the others": _one_value,
}


def graph(seed: int) -> tuple[Any, ...]:
    """Queries, keys, values, two scoring vectors, and edges."""
    return (normal(seed, N, D), normal(seed + 10, S, D), normal(seed + 20, S, E), normal(seed + 30, D),
            normal(seed + 40, D), torch.tensor(EDGES))


def prefers_high_scores(a: Attempt) -> Finding | None:
    """Of two neighbours, the one with the higher score gets the larger weight: one to e."""
    one = torch.ones(1, D, dtype=torch.float64) / D
    keys = torch.cat((one, 2 * one))
    value = torch.tensor([[0.0], [1.0]], dtype=torch.float64)
    got = a.ask(0 * one, keys, value, torch.ones(D, dtype=torch.float64), torch.ones(D, dtype=torch.float64),
                torch.tensor([[0, 0], [0, 1]]))
    off = first_difference(got, torch.tensor([[1.0]], dtype=torch.float64).sigmoid(), 1e-6)
    return None if off is None else Finding(
        f"two neighbours with scores 1 and 2: the second should get the weight {off.wanted}; yours gets {off.got}",
        "A higher score means a larger weight: exp(e), divided by the sum over the query's edges.", True)


graph_attention = Exercise(
    "graph_attention", "16.2", right, graph, (*FIRST[:2], a_row_a_query, *FIRST[2:], prefers_high_scores, *LAST), WRONG,
    "A higher score is a larger weight again.")
