"""Right answers to the exercises of chapter 6, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum
from torch.nn.functional import pad, unfold


def heads_loop(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    near = []
    for i in range(q.shape[1]):
        seen = slice(max(i // window - 1, 0) * window, (i // window + 2) * window)
        near.append((q[0, i] @ k[0, seen].mT / q.shape[2] ** 0.5).softmax(-1) @ v[0, seen])
    return torch.stack((torch.stack(near), q[1].softmax(-1) @ (k[1].softmax(0).mT @ v[1])))


def heads_masked(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    block = torch.arange(q.shape[1]) // window
    hidden = (block[:, None] - block).abs() > 1
    scores = (q[0] @ k[0].mT / q.shape[2] ** 0.5).masked_fill(hidden, -torch.inf)
    far = q[1].softmax(1) @ k[1].softmax(0).mT
    return torch.stack((scores.softmax(1) @ v[0], far @ v[1]))


def heads_exp(q: Tensor, k: Tensor, v: Tensor, window: int) -> Tensor:
    block = torch.arange(q.shape[1]) // window
    w = (q[0] @ k[0].mT / q.shape[2] ** 0.5).exp() * ((block[:, None] - block).abs() < 2)
    p, t = q[1].exp(), k[1].exp()
    far = (p / p.sum(1, keepdim=True)) @ ((t / t.sum(0)).mT @ v[1])
    return torch.stack((w @ v[0] / w.sum(1, keepdim=True), far))


def stencils_loop(q: Tensor, e: Tensor, v: Tensor) -> Tensor:
    out, half = torch.zeros_like(v), len(e) // 2
    for y in range(v.shape[0]):
        for x in range(v.shape[1]):
            for a in range(len(e)):
                for b in range(len(e)):
                    r, c = y + a - half, x + b - half
                    if 0 <= r < v.shape[0] and 0 <= c < v.shape[1]:
                        out[y, x] += (q[y, x] @ e[a, b]) * v[r, c]
    return out


def stencils_padded(q: Tensor, e: Tensor, v: Tensor) -> Tensor:
    half = len(e) // 2
    wide, out = pad(v, (0, 0, half, half, half, half)), 0
    for a in range(len(e)):
        for b in range(len(e)):
            out = out + (q @ e[a, b])[..., None] * wide[a:a + v.shape[0], b:b + v.shape[1]]
    return out


def stencils_unfolded(q: Tensor, e: Tensor, v: Tensor) -> Tensor:
    seen = unfold(v.movedim(-1, 0)[None], len(e), padding=len(e) // 2)
    seen = seen.view(v.shape[2], len(e) ** 2, *v.shape[:2])
    return einsum("yxd,pd,epyx->yxe", q, e.flatten(0, 1), seen)


def agents_brackets(q: Tensor, k: Tensor, v: Tensor, a: Tensor) -> Tensor:
    root = q.shape[1] ** 0.5
    found = (a @ k.mT / root).softmax(-1) @ v
    return (q @ a.mT / root).softmax(-1) @ found


def agents_exp(q: Tensor, k: Tensor, v: Tensor, a: Tensor) -> Tensor:
    w, u = ((x @ a.mT * q.shape[1] ** -0.5).exp() for x in (k, q))
    found = (w / w.sum(0)).mT @ v
    return u / u.sum(1, keepdim=True) @ found


def agents_torch(q: Tensor, k: Tensor, v: Tensor, a: Tensor) -> Tensor:
    from torch.nn.functional import scaled_dot_product_attention as attend
    return attend(q, a, attend(a, k, v))


ANSWERS = {
    "near_and_far": (heads_loop, heads_masked, heads_exp),
    "stencils": (stencils_loop, stencils_padded, stencils_unfolded),
    "agents": (agents_brackets, agents_exp, agents_torch),
}
