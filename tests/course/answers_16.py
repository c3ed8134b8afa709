"""Right answers to the exercises of chapter 16, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu


def edges_added(scores: Tensor, queries: Tensor, N: int) -> Tensor:
    w = scores.exp()
    total = torch.zeros(N, dtype=w.dtype).index_add(0, queries, w)
    return w / total[queries]


def edges_loop(scores: Tensor, queries: Tensor, N: int) -> Tensor:
    out = torch.zeros_like(scores)
    for i in range(N):
        mine = queries == i
        e = scores[mine].exp()
        out[mine] = e / e.sum()
    return out


def edges_table(scores: Tensor, queries: Tensor, N: int) -> Tensor:
    same = queries[:, None] == queries
    return 1 / (same * (scores - scores[:, None]).exp()).sum(1)


def graph_added(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    i, j = edges
    w = leaky_relu(q[i] @ a + k[j] @ b, 0.2).exp()
    total = v.new_zeros(len(q)).index_add(0, i, w)
    out = v.new_zeros(len(q), v.shape[1]).index_add(0, i, w[:, None] * v[j])
    return out / total[:, None]


def graph_masked(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    mask = torch.zeros(len(q), len(k), dtype=torch.bool)
    mask[edges[0], edges[1]] = True
    scores = leaky_relu((q @ a)[:, None] + k @ b, negative_slope=0.2)
    return scores.masked_fill(~mask, -torch.inf).softmax(-1) @ v


def graph_loop(q: Tensor, k: Tensor, v: Tensor, a: Tensor, b: Tensor, edges: Tensor) -> Tensor:
    out = torch.zeros(q.shape[0], v.shape[1], dtype=v.dtype)
    for i in range(len(q)):
        near = edges[1][edges[0] == i]
        e = a @ q[i] + k[near] @ b
        e = torch.maximum(e, 0.2 * e)
        out[i] = e.softmax(0) @ v[near]
    return out


def disparity_einsum(q: Tensor, k: Tensor) -> Tensor:
    column = torch.arange(q.shape[1]).to(q)
    return column - torch.einsum("yxd,yjd->yxj", q, k).softmax(-1) @ column


def disparity_product(q: Tensor, k: Tensor) -> Tensor:
    weights = (q @ k.mT).softmax(-1)
    x = torch.arange(q.shape[1], dtype=q.dtype)
    return ((x[:, None] - x) * weights).sum(-1)


def disparity_rows(q: Tensor, k: Tensor) -> Tensor:
    x = torch.linspace(0, q.shape[1] - 1, q.shape[1], dtype=q.dtype)
    return torch.stack([x - torch.softmax(a @ b.T, 1) @ x for a, b in zip(q, k, strict=True)])


ANSWERS = {
    "along_edges": (edges_added, edges_loop, edges_table),
    "graph_attention": (graph_added, graph_masked, graph_loop),
    "soft_disparity": (disparity_einsum, disparity_product, disparity_rows),
}
