"""Right answers to the exercises of chapter 8, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum
from torch.nn.functional import linear, scaled_dot_product_attention


def implied_brackets(q: Tensor, k: Tensor, E: Tensor, F: Tensor) -> Tensor:
    return (q @ (E @ k).mT / q.shape[1] ** 0.5).softmax(-1) @ F


def implied_exp(q: Tensor, k: Tensor, E: Tensor, F: Tensor) -> Tensor:
    p = torch.exp(einsum("id,nj,jd->in", q, E, k) * q.shape[1] ** -0.5)
    return p @ F / p.sum(1, keepdim=True)


def implied_probed(q: Tensor, k: Tensor, E: Tensor, F: Tensor) -> Tensor:
    one_hot = torch.eye(len(k), dtype=q.dtype)
    return scaled_dot_product_attention(q, E @ k, F @ one_hot)


def lines_joined(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    keys, values = (torch.cat((x.mean(1), x.mean(0))) for x in (k, v))
    return (q @ keys.mT).softmax(-1) @ values


def lines_parts(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    rows, columns = (q @ k.mean(1).mT).exp(), (q @ k.mean(0).mT).exp()
    total = rows.sum(-1, keepdim=True) + columns.sum(-1, keepdim=True)
    return (rows @ v.mean(1) + columns @ v.mean(0)) / total


def lines_matrix(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    Y, X = q.shape[:2]
    rows = torch.eye(Y, dtype=q.dtype).repeat_interleave(X, 1) / X
    average = torch.cat((rows, torch.eye(X, dtype=q.dtype).repeat(1, Y) / Y))
    flat = [average @ x.flatten(0, 1) for x in (k, v)]
    return ((q.flatten(0, 1) @ flat[0].mT).softmax(1) @ flat[1]).view(Y, X, -1)


def block_loop(x: Tensor, W: Tensor, b: Tensor, E: Tensor, F: Tensor, heads: int) -> Tensor:
    q, k, v = x @ W[0].mT + b[0], E @ x @ W[1].mT + b[1], F @ x @ W[2].mT + b[2]
    parts = zip(q.chunk(heads, 1), k.chunk(heads, 1), v.chunk(heads, 1), strict=True)
    out = [(s @ t.mT / s.shape[1] ** 0.5).softmax(-1) @ u for s, t, u in parts]
    return x + torch.cat(out, 1) @ W[3].mT + b[3]


def block_torch(x: Tensor, W: Tensor, b: Tensor, E: Tensor, F: Tensor, heads: int) -> Tensor:
    q, k, v = (linear(t, W[n], b[n]).unflatten(1, (heads, -1)).transpose(0, 1)
               for n, t in enumerate((x, E @ x, F @ x)))
    return x + linear(scaled_dot_product_attention(q, k, v).transpose(0, 1).flatten(1), W[3], b[3])


def block_late(x: Tensor, W: Tensor, b: Tensor, E: Tensor, F: Tensor, heads: int) -> Tensor:
    k, v = (table @ (x @ W[n].mT) + b[n] for n, table in ((1, E), (2, F)))
    q = x @ W[0].mT + b[0]
    q, k, v = (t.view(len(t), heads, -1) for t in (q, k, v))
    a = einsum("ihd,jhd->hij", q, k).div(q.shape[2] ** 0.5).softmax(2)
    return x + einsum("hij,jhd->ihd", a, v).reshape(len(x), -1) @ W[3].mT + b[3]


ANSWERS = {
    "implied_map": (implied_brackets, implied_exp, implied_probed),
    "lines": (lines_joined, lines_parts, lines_matrix),
    "linformer_block": (block_loop, block_torch, block_late),
}
