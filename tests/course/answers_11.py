"""Right answers to the exercises of chapter 11, each written in three ways a learner might choose."""
from __future__ import annotations

import math

import torch
from torch import Tensor, einsum


def tokens_entr(a: Tensor) -> Tensor:
    bits = torch.special.entr(a).sum(-1) / math.log(2)
    return bits.exp2()


def tokens_xlogy(a: Tensor) -> Tensor:
    nats = -torch.xlogy(a, a).sum(dim=1)
    return nats.exp()


def tokens_where(a: Tensor) -> Tensor:
    logs = torch.where(a > 0, a.log2(), torch.zeros_like(a))
    return 2 ** -(a * logs).sum(-1)


def tokens_guarded(a: Tensor) -> Tensor:
    return torch.exp2(-(a * torch.log2(a + 1e-12)).sum(-1))


def lift_product(a: Tensor, mask: Tensor) -> Tensor:
    return (a @ mask) / mask.mean()


def lift_sums(a: Tensor, mask: Tensor) -> Tensor:
    on = (a * mask[None, :]).sum(dim=1)
    area = mask.sum() / mask.numel()
    return on / area


def lift_weighed(a: Tensor, mask: Tensor) -> Tensor:
    fair = mask / mask.sum()
    return einsum("ij,j->i", a * a.shape[1], fair)


def apart_sums(q: Tensor, k: Tensor, c: float) -> Tensor:
    S, D = k.shape
    pair = q @ k.sum(0)
    key = c * k.sum() * torch.ones_like(pair)
    nobody = S * (c * q.sum(-1) + D * c ** 2)
    parts = torch.stack((pair, key, nobody), -1)
    return parts / parts.sum(-1, keepdim=True)


def apart_tables(q: Tensor, k: Tensor, c: float) -> Tensor:
    floor = torch.full_like(k, c)
    whole = ((q + c) @ (k + floor).mT).sum(-1)
    pair = (q @ k.mT).sum(-1) / whole
    key = (torch.full_like(q, c) @ k.mT).sum(-1) / whole
    return torch.stack((pair, key, 1 - pair - key), 1)


def apart_einsum(q: Tensor, k: Tensor, c: float) -> Tensor:
    pair = einsum("id,jd->i", q, k)
    key = einsum("jd,i->i", c * k, torch.ones_like(pair))
    flat = ((q + c) * c).sum(1) * len(k)
    total = pair + key + flat
    return torch.cat([(x / total)[:, None] for x in (pair, key, flat)], 1)


def templates_plain(phi_q: Tensor, phi_k: Tensor) -> tuple[Tensor, Tensor]:
    size = phi_k.sum(0)
    mixture = phi_q * size
    return mixture / mixture.sum(-1, keepdim=True), (phi_k / size).mT


def templates_normal(phi_q: Tensor, phi_k: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.nn.functional.normalize(phi_k.T, p=1, dim=1)
    weights = einsum("im,jm->im", phi_q, phi_k)
    return torch.nn.functional.normalize(weights, p=1, dim=1), rows


def templates_each(phi_q: Tensor, phi_k: Tensor) -> tuple[Tensor, Tensor]:
    rows = torch.stack([column / column.sum() for column in phi_k.unbind(1)])
    total = phi_q @ phi_k.sum(0)
    mixture = phi_q * phi_k.sum(0) / total[:, None]
    return mixture, rows


def told_difference(a: Tensor) -> Tensor:
    own = torch.special.entr(a).sum(-1).mean(-1)
    mean = torch.special.entr(a.mean(-2)).sum(-1)
    return (mean - own) / math.log(2)


def told_divergence(a: Tensor) -> Tensor:
    mean = a.mean(1, keepdim=True)
    return (a * (a / mean).log2()).sum(-1).mean(-1)


def told_logs(a: Tensor) -> Tensor:
    r = a.sum(1) / a.shape[1]
    own = -(a * a.log2()).sum(dim=(1, 2)) / a.shape[1]
    return -(r * r.log2()).sum(1) - own


def opposites_column(N: int) -> tuple[Tensor, Tensor]:
    sharp = torch.zeros(N, N)
    sharp[:, 0] = 1.0
    flat = torch.ones(N, N) + 0.05 * torch.eye(N)
    return sharp, flat / flat.sum(-1, keepdim=True)


def opposites_mixed(N: int) -> tuple[Tensor, Tensor]:
    eye = torch.eye(N, dtype=torch.float64)
    sharp = eye[N - 1].expand(N, N)
    flat = 0.99 / N + 0.01 * eye
    return sharp, flat


def opposites_random(N: int) -> tuple[Tensor, Tensor]:
    scores = torch.randn(N, N, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    everyone = torch.ones(N, 1, dtype=torch.float64)
    return (10_000 * everyone @ scores[:1]).softmax(-1), (0.02 * scores).softmax(-1)


def _opposite(answer) -> bool:
    """The oracle of 11.6, which has many right answers: what was asked for, counted without the check's own words."""
    for N in (3, 5, 8):
        try:
            sharp, flat = (a.double() for a in answer(N))
            if not (sharp.isfinite().all() and flat.isfinite().all()):
                return False
            shares = all(a.shape == (N, N) and a.min() >= 0 and (a.sum(1) - 1).abs().max() < 1e-6
                         for a in (sharp, flat))
            low, high = ([-sum(w * math.log2(w) for w in row if w > 0) for row in a.tolist()] for a in (sharp, flat))
            s, r = torch.linalg.svdvals(sharp), torch.linalg.svdvals(flat)
            if not shares or max(low) > 0.01 or min(high) < math.log2(N) - 0.01 or s[1] > 1e-6 * s[0] or r[-1] < 1e-6:
                return False
        except Exception:
            return False
    return True


ANSWERS = {
    "effective_tokens": (tokens_entr, tokens_xlogy, tokens_where, tokens_guarded),
    "lift": (lift_product, lift_sums, lift_weighed),
    "apart": (apart_sums, apart_tables, apart_einsum),
    "templates": (templates_plain, templates_normal, templates_each),
    "told": (told_difference, told_divergence, told_logs),
    "opposites": (opposites_column, opposites_mixed, opposites_random),
}
ORACLES = {"opposites": _opposite}
