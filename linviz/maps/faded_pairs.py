"""What is left between the steps of a chunk, and products x_i.y_j that have faded by it.

    F_ij = sum_d x_id y_jd exp(g_(j+1)d + ... + g_id)     for j <= i, else 0

Every exponent is the sum over a span of log decays, a product with a matrix of ones and zeros. It is never the
difference of two long sums, which loses the digits of float32. With one decay per step the spans of all pairs are
summed. A decay per channel would take C x C x D sums, so a span is cut in two at a border between two blocks of steps:
i lies after the border, j before it, and neither factor is above 1. Blocks of 1, 2, 4... steps reach every pair once.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from .readable import is_readable

LOWEST = -1e4   # a log decay below it leaves nothing as well, and 0 times -inf would not be a number
SHALLOW = 16.0  # a chunk in which no channel decays by more than exp(-16) is computed at once


def fades_of_steps(g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """One log decay per step, (..., n, 1): between all pairs (..., n, n); from the beginning, to the end (..., n, 1).

    >>> between, before, after = fades_of_steps(torch.tensor([[0.5], [0.5], [0.5]]).log())
    >>> between.tolist(), before[:, 0].tolist(), after[:, 0].tolist()
    ([[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.25, 0.5, 1.0]], [0.5, 0.25, 0.125], [0.25, 0.5, 1.0])
    """
    n = g.shape[-2]
    spans, never = _spans_of_pairs(n, g.dtype, g.device)
    left = torch.addmm(never, g.clamp_min(LOWEST).reshape(-1, n), spans).exp().view(*g.shape[:-2], -1)
    between, before, after = left.split((n * n, n, n), -1)
    return between.unflatten(-1, (n, n)), before[..., None], after[..., None]


def fades_of_channels(g: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor, Tensor]:
    """A log decay per channel, (..., n, D): factors (..., n, D) and masks (n, n) of every level of blocks.

    The first level's factor is for the queries; its keys are divided by it. Then what is left since the beginning and
    until the end.
    """
    n, leaf = g.shape[-2], _shallow_steps(g)
    spans, masks = _spans_of_levels(n, leaf, g.dtype, g.device)
    before, after, *levels = (spans @ g.clamp_min(LOWEST)).exp().unflatten(-2, (-1, n)).unbind(-3)
    return levels, list(masks.unbind(0)), before, after


def products_of_channels(x: Tensor, y: Tensor, factors: list[Tensor], masks: list[Tensor]) -> Tensor:
    """F of several x (..., m, n, D) and y (..., n, D), by the levels of `fades_of_channels`: (..., m, n, n).

    >>> x, g = torch.ones(1, 3, 1), torch.tensor([[0.5], [0.5], [0.5]]).log()
    >>> products_of_channels(x, x[0], *fades_of_channels(g)[:2])[0].tolist()
    [[1.0, 0.0, 0.0], [0.5, 1.0, 0.0], [0.25, 0.5, 1.0]]
    """
    total = None
    for number, (f, mask) in enumerate(zip(factors, masks, strict=True)):
        keys = y * f if number else y / f
        found = ((x * f[..., None, :, :]).flatten(-3, -2) @ keys.mT).unflatten(-2, (x.shape[-3], -1)) * mask
        total = found if total is None else total + found
    assert total is not None
    return total


def _spans_of_pairs(n: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """(n, n n + 2 n): which steps lie in every span; and (n n + 2 n,): -inf for a pair whose key is later, else 0."""
    j = torch.arange(n, device=device)
    i, r = j[:, None], j[:, None, None]
    spans = torch.cat([((r > j) & (r <= i)).flatten(1), i <= j, i > j], 1).to(dtype)
    later = torch.zeros(n, n, dtype=dtype, device=device).masked_fill(j > i, -torch.inf)
    return spans, pad(later.flatten(), (0, 2 * n))


def _spans_of_levels(n: int, leaf: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """(rows, n): which steps lie in every span, n rows for the beginning, the end and each level; masks (levels, n, n).

    In a block with an odd number a span reaches from its first step to i, in one before it from after i to its end.
    """
    i, r = torch.arange(n, device=device)[:, None], torch.arange(n, device=device)
    spans = [r <= i, r > i, (r // leaf == i // leaf) & (r % leaf > 0) & (r <= i)]
    masks = [(r // leaf == i // leaf) & (r <= i)]
    while leaf < n:
        odd, same = i // leaf % 2 == 1, r // leaf == i // leaf
        spans.append(same & torch.where(odd, r <= i, r > i))
        masks.append(odd & (r // leaf + 1 == i // leaf))
        leaf *= 2
    return torch.cat(spans).to(dtype), torch.stack(masks).to(dtype)


def _shallow_steps(g: Tensor) -> int:
    """How many steps a block of the first level has: all, if no chunk decays by more than exp(-SHALLOW); else 1."""
    return g.shape[-2] if is_readable(g) and not bool((g.detach().sum(-2) < -SHALLOW).any()) else 1
