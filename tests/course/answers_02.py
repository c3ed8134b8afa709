"""Right answers to the exercises of chapter 2, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum


def pairs_plain(t: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return (t * y * x) ** 2


def pairs_each(t: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return t ** 2 * y ** 2 * x ** 2


def pairs_stacked(t: Tensor, y: Tensor, x: Tensor) -> Tensor:
    return torch.stack((t, y, x)).prod(0).square()


def share_short(N: Tensor, C: Tensor) -> Tensor:
    return N / (N + 2 * C)


def share_counted(N: Tensor, C: Tensor) -> Tensor:
    pairs, layers = 2 * N * N * C, 4 * N * C * C
    return pairs / (pairs + layers)


def share_ratio(N: Tensor, C: Tensor) -> Tensor:
    ratio = 2 * C / N
    return 1 / (1 + ratio)


def pooled_views(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    k, v = (x.unflatten(1, (-1, 2)).unflatten(0, (-1, 2)).amax((1, 3)).flatten(0, 1) for x in (k, v))
    return (q @ k.mT).softmax(-1) @ v


def pooled_strides(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    def most(x: Tensor) -> Tensor:
        rows = torch.maximum(x[0::2], x[1::2])
        return torch.maximum(rows[:, 0::2], rows[:, 1::2]).flatten(0, 1)
    weights = (q @ most(k).mT).exp()
    return weights @ most(v) / weights.sum(1, keepdim=True)


def pooled_torch(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    k, v = (torch.nn.functional.max_pool2d(x.permute(2, 0, 1), 2).flatten(1) for x in (k, v))
    return einsum("is,es->ie", torch.softmax(q @ k, dim=1), v)


def streamed_running(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    m = q.new_full((len(q), 1), -torch.inf)
    top, bottom = q.new_zeros(len(q), v.shape[1]), q.new_zeros(len(q), 1)
    for a, b in zip(k.split(size), v.split(size), strict=True):
        s = q @ a.mT / q.shape[1] ** 0.5
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        p, old = (s - new).exp(), (m - new).exp()
        top, bottom, m = top * old + p @ b, bottom * old + p.sum(-1, keepdim=True), new
    return top / bottom


def streamed_logs(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    out, log = 0 * (q[:, :1] * v[:1]), torch.full_like(q[:, 0], -torch.inf)
    for start in range(0, len(k), size):
        s = q @ k[start:start + size].T / q.shape[1] ** 0.5
        both = torch.logaddexp(log, s.logsumexp(1))
        out = out * (log - both).exp()[:, None] + (s - both[:, None]).exp() @ v[start:start + size]
        log = both
    return out


def streamed_twice(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    q = q * q.shape[1] ** -0.5
    largest = torch.stack([(q @ a.mT).amax(1) for a in k.split(size)]).amax(0)
    both = torch.cat((v, v.new_ones(len(v), 1)), 1)
    o = sum((q @ a.mT - largest[:, None]).exp() @ b for a, b in zip(k.split(size), both.split(size)))
    return o[:, :-1] / o[:, -1:]


ANSWERS = {
    "times_pairs": (pairs_plain, pairs_each, pairs_stacked),
    "core_share": (share_short, share_counted, share_ratio),
    "subsampled": (pooled_views, pooled_strides, pooled_torch),
    "streamed": (streamed_running, streamed_logs, streamed_twice),
}
