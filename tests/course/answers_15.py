"""Right answers to the exercises of chapter 15, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum
from torch.nn.functional import layer_norm, scaled_dot_product_attention


def block_loop(x: Tensor, W: Tensor, H: int) -> Tensor:
    for layer in range(2):
        y = layer_norm(x, x.shape[-1:])
        y = y.transpose(0, 1) if layer == 0 else y
        q, k, v = ((y @ w.mT).unflatten(-1, (H, -1)).transpose(1, 2) for w in W[layer, :3])
        a = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        o = (a @ v).transpose(1, 2).flatten(-2) @ W[layer, 3].mT
        x = x + (o.transpose(0, 1) if layer == 0 else o)
    return x


def block_sums(x: Tensor, W: Tensor, H: int) -> Tensor:
    D = x.shape[-1] // H
    sums = ("tphd,sphd->phts", "phts,sphd->tphd"), ("tphd,tshd->thps", "thps,tshd->tphd")
    for layer, (scores, mix) in enumerate(sums):
        y = layer_norm(x, [x.shape[2]])
        q, k, v = (einsum("tpc,dc->tpd", y, W[layer, n]).reshape(*x.shape[:2], H, D) for n in range(3))
        weights = torch.softmax(einsum(scores, q, k) * D ** -0.5, dim=-1)
        x = einsum("tpc,dc->tpd", einsum(mix, weights, v).reshape(x.shape), W[layer, 3]) + x
    return x


def block_torch(x: Tensor, W: Tensor, H: int) -> Tensor:
    def attend(y: Tensor, w: Tensor) -> Tensor:
        heads = [torch.stack((y @ m.T).chunk(H, -1), 1) for m in w[:3]]
        o = scaled_dot_product_attention(*heads)
        return torch.cat(o.unbind(1), -1) @ w[3].T
    x = x + attend(layer_norm(x, x.shape[-1:]).transpose(0, 1), W[0]).transpose(0, 1)
    return x + attend(layer_norm(x, x.shape[-1:]), W[1])


def sums_running(up_q: Tensor, up_k: Tensor, q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    S, z, out = 0, 0, []
    for a, b, c, d, x in zip(*(t.split(size) for t in (up_q, up_k, q, k, v)), strict=True):
        S = S + b.mT @ x
        z = z + d.sum(0)
        out.append(a @ S / (c @ z)[:, None])
    return torch.cat(out)


def sums_slices(up_q: Tensor, up_k: Tensor, q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    S = torch.zeros(up_k.shape[1], v.shape[1], dtype=v.dtype)
    z = torch.zeros(k.shape[1], 1, dtype=v.dtype)
    out = torch.empty_like(v)
    for start in range(0, len(v), size):
        now = slice(start, start + size)
        S += up_k[now].T @ v[now]
        z += k[now].sum(0)[:, None]
        out[now] = (up_q[now] @ S) / (q[now] @ z)
    return out


def sums_joined(up_q: Tensor, up_k: Tensor, q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    starts = range(0, len(v), size)
    S = torch.stack([einsum("jm,je->me", up_k[s:s + size], v[s:s + size]) for s in starts]).cumsum(0)
    z = torch.stack([k[s:s + size].sum(0) for s in starts]).cumsum(0)
    rows = [(up_q[s:s + size] @ S[n]) / (q[s:s + size] @ z[n]).unsqueeze(1) for n, s in enumerate(starts)]
    return torch.cat(rows, 0)


def report_torch(scores: Tensor, steps: Tensor, chance: float) -> Tensor:
    last, mean = scores[:, -1], scores.mean(0)
    halfway = steps[(mean >= (chance + mean[-1]) / 2).int().argmax()]
    return torch.stack((last.mean(), last.min(), last.max(), halfway.to(scores.dtype)))


def report_loop(scores: Tensor, steps: Tensor, chance: float) -> Tensor:
    ends = sorted(scores[:, -1].tolist())
    mean = sum(ends) / len(ends)
    for point in range(len(steps)):
        if scores[:, point].mean() - chance >= (mean - chance) / 2:
            break
    return torch.tensor([mean, ends[0], ends[-1], steps[point].item()], dtype=scores.dtype)


def report_where(scores: Tensor, steps: Tensor, chance: float) -> Tensor:
    curve = scores.sum(0) / len(scores)
    half = chance + 0.5 * (curve[-1] - chance)
    low, high = scores[:, -1].aminmax()
    return torch.stack((curve[-1], low, high, steps[curve >= half][0].to(scores)))


ANSWERS = {
    "divided_block": (block_loop, block_sums, block_torch),
    "two_sums": (sums_running, sums_slices, sums_joined),
    "report": (report_torch, report_loop, report_where),
}
