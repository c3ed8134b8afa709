"""Right answers to the exercises of chapter 1, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum


def lookup_plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.mT / q.shape[1] ** 0.5).softmax(-1) @ v


def lookup_exp(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    weights = (einsum("id,jd->ij", q, k) * q.shape[-1] ** -0.5).exp()
    return weights @ v / weights.sum(1, keepdim=True)


def lookup_rows(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scale = 1 / q.size(1) ** 0.5
    return torch.stack([torch.softmax(scale * k @ query, dim=0) @ v for query in q])


def additive_plain(q: Tensor, k: Tensor, v: Tensor, w: Tensor) -> Tensor:
    return ((q[:, None] + k).tanh() @ w).softmax(-1) @ v


def additive_einsum(q: Tensor, k: Tensor, v: Tensor, w: Tensor) -> Tensor:
    hidden = torch.tanh(q.unsqueeze(1) + k.unsqueeze(0))
    weights = einsum("ijd,d->ij", hidden, w).exp()
    return einsum("ij,je->ie", weights / weights.sum(-1, keepdim=True), v)


def additive_rows(q: Tensor, k: Tensor, v: Tensor, w: Tensor) -> Tensor:
    rows = [(w * (query + k).tanh()).sum(1).softmax(0) @ v for query in q]
    return torch.stack(rows)


def multihead_split(q: Tensor, k: Tensor, v: Tensor, H: int) -> Tensor:
    q, k, v = (x.unflatten(-1, (H, -1)).transpose(0, 1) for x in (q, k, v))
    o = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
    return o.transpose(0, 1).flatten(1)


def multihead_loop(q: Tensor, k: Tensor, v: Tensor, H: int) -> Tensor:
    heads = zip(q.chunk(H, 1), k.chunk(H, 1), v.chunk(H, 1))
    return torch.cat([(a @ b.mT / a.shape[1] ** 0.5).softmax(1) @ c for a, b, c in heads], 1)


def multihead_einsum(q: Tensor, k: Tensor, v: Tensor, H: int) -> Tensor:
    N, S, D = len(q), len(k), q.shape[1] // H
    a = einsum("ihd,jhd->hij", q.view(N, H, D), k.view(S, H, D)).div(D ** 0.5).softmax(2)
    return einsum("hij,jhe->ihe", a, v.view(S, H, -1)).reshape(N, -1)


def pull_formula(scores: Tensor, v: Tensor) -> Tensor:
    a = scores.softmax(-1)
    return a[:, :, None] * (v - (a @ v)[:, None])


def pull_einsum(scores: Tensor, v: Tensor) -> Tensor:
    a = scores.exp() / scores.exp().sum(1, keepdim=True)
    return einsum("ij,je->ije", a, v) - einsum("ij,ie->ije", a, a @ v)


def pull_jacobian(scores: Tensor, v: Tensor) -> Tensor:
    full = torch.autograd.functional.jacobian(lambda s: s.softmax(-1) @ v, scores)  # (N, E, N, S)
    return full.diagonal(dim1=0, dim2=2).permute(2, 1, 0)


ANSWERS = {
    "soft_lookup": (lookup_plain, lookup_exp, lookup_rows),
    "additive": (additive_plain, additive_einsum, additive_rows),
    "multihead": (multihead_split, multihead_loop, multihead_einsum),
    "pull": (pull_formula, pull_einsum, pull_jacobian),
}
