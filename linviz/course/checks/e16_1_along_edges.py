"""Exercise 16.1: a softmax over the edges of each query."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

N = 5  # queries
QUERIES = (2, 0, 4, 0, 1, 2, 2, 4, 3)  # of nine edges, in no order


def right(scores: Tensor, queries: Tensor, N: int) -> Tensor:
    """Edge by edge. scores and queries (M,), N queries -> weights (M,)."""
    out = torch.zeros_like(scores)
    for m in range(len(scores)):
        same = [n for n in range(len(scores)) if queries[n] == queries[m]]
        out[m] = scores[m].exp() / sum(scores[n].exp() for n in same)
    return out


def _sums(x: Tensor, queries: Tensor, N: int) -> Tensor:
    return torch.zeros(N, dtype=x.dtype).index_add(0, queries, x)[queries]


def _runs(scores: Tensor, queries: Tensor, N: int) -> Tensor:
    """A softmax for each run of equal queries, as if the edges were sorted."""
    _, sizes = queries.unique_consecutive(return_counts=True)
    return torch.cat([x.softmax(0) for x in scores.split(sizes.tolist())])


WRONG: dict[str, Answer] = {
    "when the softmax goes over all edges of the graph": lambda s, i, N: s.softmax(0),
    "when the weights are not divided": lambda s, i, N: s.exp(),
    "when scores are divided by their sum, without the exponential": lambda s, i, N: s / _sums(s, i, N),
    "when the sign of the scores is turned": lambda s, i, N: (-s).exp() / _sums((-s).exp(), i, N),
    "when every edge of a query gets the same weight": lambda s, i, N: 1 / _sums(torch.ones_like(s), i, N),
    "when the weights are divided by the number of edges": lambda s, i, N: s.exp() / _sums(torch.ones_like(s), i, N),
    "when the mean of the exponentials is taken in place of their sum":
        lambda s, i, N: s.exp() / _sums(s.exp(), i, N) * _sums(torch.ones_like(s), i, N),
    "when only neighbouring entries of the list belong to one query": _runs,
    "when the exponentials are divided by the sum of the scores": lambda s, i, N: s.exp() / _sums(s, i, N),
    "when the sum of the exponentials has an exponential around it": lambda s, i, N: s.exp() / _sums(s.exp(), i, N
                                                                                                 ).exp(),
    "when only one edge of each query is in its sum: `sums[queries] = ...` writes over the others":
        lambda s, i, N: s.exp() / torch.zeros(N, dtype=s.dtype).index_put((i,), s.exp())[i],
    "when the weights are returned query by query, not in the order of the edges":
        lambda s, i, N: torch.cat([s[i == n].softmax(0) for n in range(N)]),
    "when the logarithm of the weights is returned": lambda s, i, N: s - _sums(s.exp(), i, N).log(),
    "when one number per query is returned in the place of each edge: the sum": lambda s, i, N: _sums(s.exp(), i, N),
}


def edge_list(seed: int) -> tuple[Any, ...]:
    """Nine edges of five queries, in no order."""
    order = torch.randperm(len(QUERIES), generator=torch.Generator().manual_seed(seed))
    queries = torch.tensor(QUERIES)[order] if seed else torch.tensor(QUERIES)
    return normal(seed, len(QUERIES)) + 0.2, queries, N


def sums_by_query(a: Attempt) -> Finding | None:
    """The weights of every query sum to one."""
    _, queries, count = a.given
    total = torch.zeros(count, dtype=a.got.dtype).index_add(0, queries, a.got)
    off = first_difference(total, torch.ones_like(total), 1e-6)
    return None if off is None else Finding(
        f"the weights of query {off.place} should sum to {off.wanted}; yours sum to {off.got}",
        "Divide each exponential by the sum over the edges with the same query.", True)


along_edges = Exercise(
    "along_edges", "16.1", right, edge_list, (*FIRST, sums_by_query, *LAST), WRONG,
    "One softmax for each query, over as many neighbours as it has.")
