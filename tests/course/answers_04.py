"""Right answers to the exercises of chapter 4, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum
from torch.nn.functional import elu


def keys_first_plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return q @ (k.mT @ v) / len(k)


def keys_first_mean(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return q @ (k[:, :, None] * v[:, None, :]).mean(0)


def keys_first_einsum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    bracket = einsum("jd,je->de", k, v) / k.shape[0]
    return einsum("id,de->ie", q, bracket)


def softmaxes_plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return q.softmax(-1) @ (k.softmax(0).mT @ v)


def softmaxes_exp(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    e_q, e_k = q.exp(), k.exp()
    templates = e_k / e_k.sum(0)
    choice = e_q / e_q.sum(1, keepdim=True)
    return choice @ (templates.T @ v)


def softmaxes_einsum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    context = einsum("jd,je->de", torch.softmax(k, dim=0), v)
    return einsum("id,de->ie", torch.softmax(q, dim=1), context)


def linear_plain(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k = elu(q) + 1, elu(k) + 1
    return q @ (k.mT @ v) / (q @ k.sum(0)[:, None] + 1e-6)


def linear_where(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q, k = (torch.where(x > 0, x + 1, x.clamp_max(0.0).exp()) for x in (q, k))
    state = einsum("jd,je->de", k, v)
    total = einsum("id,d->i", q, einsum("jd->d", k))
    return einsum("id,de->ie", q, state) / (total.unsqueeze(-1) + 1e-6)


def linear_ones(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    phi_q, phi_k = 1 + elu(q), 1 + elu(k)
    both = phi_q @ (phi_k.T @ torch.cat((v, v.new_ones(len(v), 1)), 1))
    return both[:, :-1] / (both[:, -1:] + 1e-6)


def own_plain(phi_q: Tensor, phi_k: Tensor) -> Tensor:
    return (phi_q * phi_k).sum(-1) / (phi_q @ phi_k.sum(0))


def own_einsum(phi_q: Tensor, phi_k: Tensor) -> Tensor:
    return einsum("im,im->i", phi_q, phi_k) / einsum("im,m->i", phi_q, einsum("jm->m", phi_k))


def own_left(phi_q: Tensor, phi_k: Tensor) -> Tensor:
    left = phi_q / (phi_q * phi_k.sum(0)).sum(1, keepdim=True)
    return (left * phi_k).sum(1)


def taylor_joined(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    def phi(x: Tensor) -> Tensor:
        x = x / x.shape[1] ** 0.25
        pairs = (x[:, :, None] * x[:, None, :]).flatten(1)
        return torch.cat((x.new_ones(len(x), 1), x, pairs / 2 ** 0.5), 1)
    q, k = phi(q), phi(k)
    return q @ (k.mT @ v) / (q @ k.sum(0))[:, None]


def taylor_terms(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    q = q / q.shape[1] ** 0.5
    both = torch.cat((v, v.new_ones(len(v), 1)), 1)
    first = both.sum(0) + q @ (k.mT @ both)
    second = einsum("ia,ib,abe->ie", q, q, einsum("ja,jb,je->abe", k, k, both))
    out = first + second / 2
    return out[:, :-1] / out[:, -1:]


def taylor_half(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    a, b = torch.triu_indices(q.shape[1], q.shape[1])
    count = torch.where(a == b, 0.5, 1.0).to(q.dtype)
    scale = q.shape[1] ** -0.5
    left = torch.hstack((torch.ones_like(q[:, :1]), q * scale, q[:, a] * q[:, b] * scale ** 2 * count))
    right = torch.hstack((torch.ones_like(k[:, :1]), k, k[:, a] * k[:, b]))
    return left @ (right.T @ v) / (left @ right.sum(0)).unsqueeze(1)


ANSWERS = {
    "keys_first": (keys_first_plain, keys_first_mean, keys_first_einsum),
    "two_softmaxes": (softmaxes_plain, softmaxes_exp, softmaxes_einsum),
    "linear_attention": (linear_plain, linear_where, linear_ones),
    "own_share": (own_plain, own_einsum, own_left),
    "taylor_attention": (taylor_joined, taylor_terms, taylor_half),
}
