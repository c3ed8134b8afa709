"""Right answers to every exercise, each written in three ways a learner might choose.

Those of chapter 13 stand here; those of chapter NN in answers_NN.py, found by name.
"""
from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, einsum


def features_plain(x: Tensor) -> Tensor:
    return x.relu() + x.shape[-1] ** -0.5


def features_where(x: Tensor) -> Tensor:
    floor = 1 / x.size(1) ** 0.5
    return torch.where(x > 0, x + floor, torch.full_like(x, floor))


def features_halved(x: Tensor) -> Tensor:
    return (x + x.abs()) / 2 + (torch.ones_like(x) / x.shape[1]).sqrt()


def fixation_joined(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: Tensor, b: Tensor) -> Tensor:
    seen = torch.cat((phi_q, phi_k, v), -1)
    return (seen @ W.mT + b).sigmoid()


def fixation_split(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: Tensor, b: Tensor) -> Tensor:
    M = phi_q.shape[1]
    z = phi_q @ W[:, :M].T + phi_k @ W[:, M:2 * M].T + v @ W[:, 2 * M:].T + b
    return 1 / (1 + torch.exp(-z))


def fixation_torch(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: Tensor, b: Tensor) -> Tensor:
    z = torch.nn.functional.linear(torch.hstack((phi_q, phi_k, v)), W, b)
    return (torch.tanh(z / 2) + 1) / 2


def attention_bracket(phi_q: Tensor, phi_k: Tensor, v: Tensor, r_q: Tensor, r_k: Tensor) -> Tensor:
    q, k = r_q * phi_q, r_k * phi_k
    return q @ (k.mT @ v) / (q @ k.sum(0)[:, None] + 1e-6)


def attention_einsum(phi_q: Tensor, phi_k: Tensor, v: Tensor, r_q: Tensor, r_k: Tensor) -> Tensor:
    state = einsum("jm,jm,je->me", r_k, phi_k, v)
    total = einsum("im,im,m->i", r_q, phi_q, einsum("jm,jm->m", r_k, phi_k))
    return einsum("im,im,me->ie", r_q, phi_q, state) / (total.unsqueeze(-1) + 1e-6)


def attention_ones(phi_q: Tensor, phi_k: Tensor, v: Tensor, r_q: Tensor, r_k: Tensor) -> Tensor:
    both = torch.cat((v, v.new_ones(len(v), 1)), 1)
    out = (phi_q * r_q) @ ((phi_k * r_k).T @ both)
    return out[:, :-1] / (out[:, -1:] + 1e-6)


def entropy_shares(phi_q: Tensor, phi_k: Tensor, z_q: Tensor, z_k: Tensor, s: float) -> Tensor:
    weights = (phi_q * (s * z_q).sigmoid()) @ (phi_k * (s * z_k).sigmoid()).mT
    a = weights / weights.sum(-1, keepdim=True)
    return -(a * a.log2()).sum(-1)


def entropy_entr(phi_q: Tensor, phi_k: Tensor, z_q: Tensor, z_k: Tensor, s: float) -> Tensor:
    k = phi_k / (1 + (-s * z_k).exp())
    q = phi_q / (1 + (-s * z_q).exp())
    a = q @ k.T / (q @ k.sum(0))[:, None]
    return torch.special.entr(a).sum(1) / torch.log(torch.tensor(2.0, dtype=a.dtype))


def entropy_logs(phi_q: Tensor, phi_k: Tensor, z_q: Tensor, z_k: Tensor, s: float) -> Tensor:
    w = einsum("im,jm->ij", phi_q * torch.sigmoid(z_q * s), phi_k * torch.sigmoid(z_k * s))
    total = w.sum(1)
    return total.log2() - (w * w.log2()).sum(1) / total


def cancelling_lines(N: int, M: int) -> tuple[Tensor, Tensor]:
    token = torch.linspace(0.4, 0.8, N)[:, None]
    channel = torch.linspace(0.4, 0.8, M)
    return token * channel, (0.3 / channel).expand(N, M)


def cancelling_random(N: int, M: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(3)
    per_query = 0.1 + 0.4 * torch.rand(N, 1, generator=g, dtype=torch.float64)
    per_channel = 1 + torch.arange(M, dtype=torch.float64) / M
    return per_query / per_channel, torch.ones(N, 1) * per_channel / 3


def cancelling_powers(N: int, M: int) -> tuple[Tensor, Tensor]:
    m, i = torch.arange(M, dtype=torch.float64), torch.arange(N, dtype=torch.float64)
    r_q = torch.outer(0.8 ** (i + 1), 0.8 ** m)
    return 0.9 * r_q / r_q.max(), (0.8 ** (M - m)).repeat(N, 1)


ANSWERS = {
    "features": (features_plain, features_where, features_halved),
    "fixation": (fixation_joined, fixation_split, fixation_torch),
    "gated_attention": (attention_bracket, attention_einsum, attention_ones),
    "entropy_at": (entropy_shares, entropy_entr, entropy_logs),
    "cancelling": (cancelling_lines, cancelling_random, cancelling_powers),
}
ORACLES: dict[str, Callable[[Any], bool]] = {}  # of exercises with many right answers: whether one is right
for found in sorted(Path(__file__).parent.glob("answers_*.py")):
    module = import_module(f"{__package__}.{found.stem}")
    ANSWERS |= module.ANSWERS
    ORACLES |= getattr(module, "ORACLES", {})
