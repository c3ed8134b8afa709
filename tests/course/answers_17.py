"""Right answers to the exercises of chapter 17, each written in three ways a learner might choose."""
from __future__ import annotations

import math

import torch
from torch import Tensor


def half_logs(gamma: Tensor) -> Tensor:
    return math.log(0.5) / gamma.log()


def half_base_two(gamma: Tensor) -> Tensor:
    return -1 / gamma.log2()


def half_divided(gamma: Tensor) -> Tensor:
    return torch.log(torch.full_like(gamma, 2)) / (-torch.log(gamma))


def slopes_power(H: int) -> Tensor:
    h = torch.arange(1, H + 1, dtype=torch.float64)
    return -2 ** (-8 * h / H)


def slopes_loop(H: int) -> Tensor:
    rates, rate = [], 1.0
    for _ in range(H):
        rate = rate / 2 ** (8 / H)
        rates.append(-rate)
    return torch.tensor(rates, dtype=torch.float64)


def slopes_exp(H: int) -> Tensor:
    h = torch.arange(H).double() + 1
    return -torch.exp(-math.log(2) * 8 * h / H)


def walk_back(q: Tensor, k: Tensor, decay: Tensor, beta: Tensor) -> Tensor:
    w, row = q.clone(), torch.zeros_like(beta)
    for j in range(len(k) - 1, -1, -1):
        row[j] = beta[j] * (w @ k[j])
        w = decay[j] * (w - row[j] * k[j])
    return row


def walk_list(q: Tensor, k: Tensor, decay: Tensor, beta: Tensor) -> Tensor:
    row = []
    for key, fade, rate in zip(k.flip(0), decay.flip(0), beta.flip(0), strict=True):
        part = rate * (q * key).sum()
        q = fade * (q - part * key)
        row.append(part)
    return torch.stack(row[::-1])


def walk_matrices(q: Tensor, k: Tensor, decay: Tensor, beta: Tensor) -> Tensor:
    out, eye = torch.zeros_like(beta), torch.eye(k.shape[1], dtype=k.dtype)
    for j in reversed(range(k.shape[0])):
        out[j] = beta[j] * (q @ k[j])
        q = q @ (eye - beta[j] * torch.outer(k[j], k[j])) * decay[j]
    return out


def frames_split(q: Tensor, k: Tensor, v: Tensor, gamma: float, beta: Tensor, size: int) -> Tensor:
    S, out = k[:1].mT @ v[:1] * 0, []
    for a, b, x, rate in zip(q.split(size), k.split(size), v.split(size), beta.split(size), strict=True):
        S = gamma * S
        S = S + b.mT @ (rate[:, None] * (x - b @ S))
        out.append(a @ S)
    return torch.cat(out)


def frames_sliced(q: Tensor, k: Tensor, v: Tensor, gamma: float, beta: Tensor, size: int) -> Tensor:
    S, o = v.new_zeros(k.shape[1], v.shape[1]), torch.empty_like(v)
    for n in range(0, len(v), size):
        now = slice(n, n + size)
        faded = S * gamma
        S = faded + k[now].mT @ ((v[now] - k[now] @ faded) * beta[now].unsqueeze(1))
        o[now] = q[now] @ S
    return o


def frames_matrix(q: Tensor, k: Tensor, v: Tensor, gamma: float, beta: Tensor, size: int) -> Tensor:
    S, out = v.new_zeros(k.shape[1], v.shape[1]), []
    eye = torch.eye(k.shape[1], dtype=k.dtype)
    for a, b, x, r in zip(q.split(size), k.split(size), v.split(size), beta.split(size), strict=True):
        write = b.mT * r
        S = gamma * (eye - write @ b) @ S + write @ x
        out.append(a @ S)
    return torch.cat(out)


ANSWERS = {
    "half_lives": (half_logs, half_base_two, half_divided),
    "log_decays": (slopes_power, slopes_loop, slopes_exp),
    "walk": (walk_back, walk_list, walk_matrices),
    "by_frames": (frames_split, frames_sliced, frames_matrix),
}
