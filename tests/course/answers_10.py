"""Right answers to the exercises of chapter 10, each written in three ways a learner might choose."""
from __future__ import annotations

import torch
from torch import Tensor


def buckets_joined(x: Tensor, R: Tensor) -> Tensor:
    fit = x @ R
    return torch.cat((fit, -fit), -1).argmax(-1)


def buckets_directions(x: Tensor, R: Tensor) -> Tensor:
    both = torch.hstack((R, -R))
    return torch.einsum("nd,dm->nm", x, both).max(dim=1).indices


def buckets_by_sign(x: Tensor, R: Tensor) -> Tensor:
    fit = x.matmul(R)
    best = fit.abs().argmax(1, keepdim=True)
    behind = fit.gather(1, best) < 0
    return (best + behind * R.shape[1]).squeeze(1)


def sorted_chunks(bucket: Tensor, L: int) -> Tensor:
    order = bucket.argsort(stable=True)
    chunk = order.argsort() // L
    back = (chunk[:, None] - chunk) % (chunk.max() + 1)
    return (back <= 1).float()


def sorted_lists(bucket: Tensor, L: int) -> Tensor:
    order = sorted(range(len(bucket)), key=lambda i: bucket[i].item())
    chunks = [order[n:n + L] for n in range(0, len(order), L)]
    out = torch.zeros(len(bucket), len(bucket))
    for n, chunk in enumerate(chunks):
        for i in chunk:
            out[i, chunk] = 1
            out[i, chunks[n - 1]] = 1
    return out


def sorted_places(bucket: Tensor, L: int) -> Tensor:
    earlier = torch.arange(len(bucket)) < torch.arange(len(bucket))[:, None]
    place = ((bucket < bucket[:, None]) | ((bucket == bucket[:, None]) & earlier)).sum(1)
    one_hot = torch.nn.functional.one_hot(place // L).float()
    return one_hot @ one_hot.mT.maximum(one_hot.roll(1, 1).mT)


def merged_mask(scores: Tensor, seen: Tensor, v: Tensor) -> Tensor:
    once = (seen.sum(0) > 0).to(scores.dtype)
    weights = once * scores.exp()
    return weights @ v / weights.sum(-1, keepdim=True)


def merged_softmax(scores: Tensor, seen: Tensor, v: Tensor) -> Tensor:
    return scores.masked_fill(seen.amax(0) == 0, -torch.inf).softmax(-1) @ v


def merged_counts(scores: Tensor, seen: Tensor, v: Tensor) -> Tensor:
    """The paper's way: the logarithm of the count is subtracted."""
    count = seen.sum(0)
    corrected = scores - count.clamp(min=1).log()
    weights = torch.einsum("rij,ij->ij", seen, corrected.exp())
    return torch.einsum("ij,je->ie", weights, v) / weights.sum(1)[:, None]


def exact_masked(q: Tensor, k: Tensor, v: Tensor, kept: Tensor, alpha: float) -> Tensor:
    e = kept * (q @ k.mT / q.shape[1] ** 0.5).exp()
    f = (1 - kept) * (q.softmax(-1) @ k.softmax(-1).mT)
    near = e @ v / e.sum(-1, keepdim=True)
    return alpha * near + (1 - alpha) * f @ v / f.sum(-1, keepdim=True)


def exact_map(q: Tensor, k: Tensor, v: Tensor, kept: Tensor, alpha: float) -> Tensor:
    scores = torch.einsum("id,jd->ij", q, k) / q.shape[-1] ** 0.5
    few = scores.masked_fill(kept == 0, -torch.inf).softmax(-1)
    rest = torch.where(kept > 0, torch.zeros_like(scores), q.softmax(1) @ k.softmax(1).T)
    return (alpha * few + (1 - alpha) * rest / rest.sum(1)[:, None]) @ v


def exact_rows(q: Tensor, k: Tensor, v: Tensor, kept: Tensor, alpha: float) -> Tensor:
    out, phi_q, phi_k = [], q.softmax(-1), k.softmax(-1)
    for i in range(len(q)):
        near = kept[i].bool()
        a = (k[near] @ q[i] / q.shape[1] ** 0.5).softmax(0)
        b = phi_k[~near] @ phi_q[i]
        out.append(alpha * a @ v[near] + (1 - alpha) * b @ v[~near] / b.sum())
    return torch.stack(out)


ANSWERS = {
    "bucket_numbers": (buckets_joined, buckets_directions, buckets_by_sign),
    "seen_after_sorting": (sorted_chunks, sorted_lists, sorted_places),
    "merged_rounds": (merged_mask, merged_softmax, merged_counts),
    "exact_and_linear": (exact_masked, exact_map, exact_rows),
}
