"""Right answers to the exercises of chapter 5, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor, einsum


def triangle_plain(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    a = (phi_q @ phi_k.mT).tril()
    return a @ v / a.sum(-1, keepdim=True)


def triangle_mask(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    n = torch.arange(len(phi_q))
    weights = einsum("im,jm->ij", phi_q, phi_k) * (n[None, :] <= n[:, None])
    shares = weights / weights.sum(1)[:, None]
    return shares @ v


def triangle_sums(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    state = (phi_k[:, :, None] * v[:, None, :]).cumsum(0)
    total = (phi_q * phi_k.cumsum(0)).sum(1)
    return einsum("im,ime->ie", phi_q, state) / total.unsqueeze(1)


def step_plain(S: Tensor, z: Tensor, phi_q: Tensor, phi_k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    S, z = S + phi_k[:, None] * v, z + phi_k
    return S, z, phi_q @ S / (phi_q @ z)


def step_outer(S: Tensor, z: Tensor, phi_q: Tensor, phi_k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    new = S + torch.outer(phi_k, v)
    seen = phi_k + z
    weight = (phi_q * seen).sum()
    return new, seen, (new.T @ phi_q) / weight


def step_einsum(S: Tensor, z: Tensor, phi_q: Tensor, phi_k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    S = S + einsum("m,e->me", phi_k, v)
    z = z + phi_k
    o = einsum("m,me->e", phi_q, S) / einsum("m,m->", phi_q, z)
    return S, z, o


def window_loop(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: int) -> Tensor:
    S, z, out = torch.zeros_like(phi_k[0][:, None] * v[0]), torch.zeros_like(phi_k[0]), []
    for i in range(len(phi_q)):
        S, z = S + phi_k[i][:, None] * v[i], z + phi_k[i]
        if i >= W:
            S, z = S - phi_k[i - W][:, None] * v[i - W], z - phi_k[i - W]
        out.append(phi_q[i] @ S / (phi_q[i] @ z))
    return torch.stack(out)


def window_sums(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: int) -> Tensor:
    S, z = (phi_k[:, :, None] * v[:, None, :]).cumsum(0), phi_k.cumsum(0)
    late_S, late_z = torch.zeros_like(S), torch.zeros_like(z)
    late_S[W:], late_z[W:] = S[:-W], z[:-W]
    o = einsum("im,ime->ie", phi_q, S - late_S)
    return o / (phi_q * (z - late_z)).sum(1, keepdim=True)


def window_ones(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: int) -> Tensor:
    both = torch.cat((v, v.new_ones(len(v), 1)), 1)
    state = torch.cumsum(phi_k[:, :, None] * both[:, None, :], 0)
    gone = torch.cat((torch.zeros_like(state[:W]), state[:-W]))
    out = ((state - gone) * phi_q[:, :, None]).sum(1)
    return out[:, :-1] / out[:, -1:]


def chunked_loop(phi_q: Tensor, phi_k: Tensor, v: Tensor, size: int) -> Tensor:
    S, z, out = torch.zeros_like(phi_k[:1].mT @ v[:1]), torch.zeros_like(phi_k[0]), []
    for q, k, x in zip(phi_q.split(size), phi_k.split(size), v.split(size), strict=True):
        a = (q @ k.mT).tril()
        out.append((a @ x + q @ S) / (a.sum(-1) + q @ z)[:, None])
        S, z = S + k.mT @ x, z + k.sum(0)
    return torch.cat(out)


def chunked_ones(phi_q: Tensor, phi_k: Tensor, v: Tensor, size: int) -> Tensor:
    both = torch.cat((v, torch.ones_like(v[:, :1])), 1)
    state, out = phi_k[:0].T @ both[:0], []
    for start in range(0, len(v), size):
        here = slice(start, start + size)
        q, k, x = phi_q[here], phi_k[here], both[here]
        out.append(torch.tril(q @ k.T) @ x + q @ state)
        state = state + k.T @ x
    o = torch.cat(out)
    return o[:, :-1] / o[:, -1:]


def chunked_states(phi_q: Tensor, phi_k: Tensor, v: Tensor, size: int) -> Tensor:
    parts = [(k.mT @ x, k.sum(0)) for k, x in zip(phi_k.split(size), v.split(size))]
    states, out = [(0 * parts[0][0], 0 * parts[0][1])], []
    for S, z in parts:
        states.append((states[-1][0] + S, states[-1][1] + z))
    for n, q in enumerate(phi_q.split(size)):
        k, x, (S, z) = phi_k[n * size:(n + 1) * size], v[n * size:(n + 1) * size], states[n]
        a = torch.tril(q @ k.mT)
        out.append((q @ S + a @ x) / (q @ z + a.sum(1)).unsqueeze(1))
    return torch.vstack(out)


ANSWERS = {
    "up_to_now": (triangle_plain, triangle_mask, triangle_sums),
    "step": (step_plain, step_outer, step_einsum),
    "window": (window_loop, window_sums, window_ones),
    "chunked": (chunked_loop, chunked_ones, chunked_states),
}
