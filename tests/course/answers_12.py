"""Right answers to the exercises of chapter 12, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum
from torch.nn.functional import conv2d


def mhla_mixed(q: Tensor, k: Tensor, v: Tensor, C: Tensor) -> Tensor:
    S, z = k.mT @ v, k.sum(1)
    above = q @ einsum("bc,cde->bde", C, S)
    below = (q * (C @ z)[:, None]).sum(-1, keepdim=True)
    return above / below


def mhla_table(q: Tensor, k: Tensor, v: Tensor, C: Tensor) -> Tensor:
    w = einsum("bc,bid,cjd->bicj", C, q, k)
    return einsum("bicj,cje->bie", w, v) / w.sum((2, 3)).unsqueeze(-1)


def mhla_loop(q: Tensor, k: Tensor, v: Tensor, C: Tensor) -> Tensor:
    both = torch.cat((v, torch.ones_like(v[..., :1])), -1)
    out = []
    for b in range(len(q)):
        state = sum(C[b, c] * k[c].T @ both[c] for c in range(len(k)))
        read = q[b] @ state
        out.append(read[:, :-1] / read[:, -1:])
    return torch.stack(out)


def matrix_loop(kernel: Tensor, Y: int, X: int) -> Tensor:
    P, out = len(kernel), torch.zeros(Y * X, Y * X, dtype=kernel.dtype)
    for r in range(Y):
        for c in range(X):
            for a in range(P):
                for b in range(P):
                    y, x = r + a - P // 2, c + b - P // 2
                    if 0 <= y < Y and 0 <= x < X:
                        out[r * X + c, y * X + x] = kernel[a, b]
    return out


def matrix_conv(kernel: Tensor, Y: int, X: int) -> Tensor:
    pictures = torch.eye(Y * X, dtype=kernel.dtype).view(Y * X, 1, Y, X)
    return conv2d(pictures, kernel[None, None], padding=len(kernel) // 2).flatten(1).mT


def matrix_steps(kernel: Tensor, Y: int, X: int) -> Tensor:
    rows, columns = torch.arange(Y), torch.arange(X)
    half = len(kernel) // 2
    down = rows[None] - rows[:, None] + half
    across = columns[None] - columns[:, None] + half
    tall, wide = ((x >= 0) & (x < len(kernel)) for x in (down, across))
    a, b = down.clamp(0, len(kernel) - 1), across.clamp(0, len(kernel) - 1)
    table = kernel[a[:, None, :, None], b[None, :, None, :]]
    return (table * tall[:, None, :, None] * wide[None, :, None, :]).reshape(Y * X, Y * X)


def contrast_bracket(phi_q: Tensor, phi_k: Tensor, v: Tensor, c: Tensor) -> Tensor:
    o = phi_q @ (phi_k.mT @ v) / (phi_q @ phi_k.sum(0))[:, None]
    mean = v.mean(0)
    return mean + c[:, None] * (o - mean)


def contrast_centred(phi_q: Tensor, phi_k: Tensor, v: Tensor, c: Tensor) -> Tensor:
    mean = v.mean(0, keepdim=True)
    weights = phi_q * (c / (phi_q @ phi_k.sum(0)))[:, None]
    return weights @ (phi_k.T @ (v - mean)) + mean


def contrast_mixture(phi_q: Tensor, phi_k: Tensor, v: Tensor, c: Tensor) -> Tensor:
    total = einsum("nm,sm->n", phi_q, phi_k)
    linear = einsum("nm,me->ne", phi_q, einsum("sm,se->me", phi_k, v)) / total[:, None]
    return torch.lerp(v.mean(0).expand_as(linear), linear, c[:, None])


def bound_torch(sizes: Tensor, D: int, C: Tensor) -> Tensor:
    keys = sizes.clamp(max=D).sum()
    return torch.minimum(keys, D * torch.linalg.matrix_rank(C))


def bound_loop(sizes: Tensor, D: int, C: Tensor) -> Tensor:
    keys = 0
    for n in sizes.tolist():
        keys += min(n, D)
    return torch.tensor([min(keys, D * torch.linalg.matrix_rank(head).item()) for head in C])


def bound_values(sizes: Tensor, D: int, C: Tensor) -> Tensor:
    s = torch.linalg.svdvals(C)
    rank = (s > 1e-9 * s[:, :1]).sum(-1)
    return (D * rank).clamp(max=int(torch.where(sizes < D, sizes, D).sum()))


ANSWERS = {
    "mhla": (mhla_mixed, mhla_table, mhla_loop),
    "branch_matrix": (matrix_loop, matrix_conv, matrix_steps),
    "contrast": (contrast_bracket, contrast_centred, contrast_mixture),
    "mhla_bound": (bound_torch, bound_loop, bound_values),
}
