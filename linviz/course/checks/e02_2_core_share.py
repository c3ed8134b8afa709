"""Exercise 2.2: which share of a layer's work the pairs are."""
from __future__ import annotations

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding, close
from ..properties import FIRST, LAST
from .samples import N, normal


def right(N: Tensor, C: Tensor) -> Tensor:
    """Layer by layer. N tokens (n,), C channels (n,) -> (n,)."""
    out = []
    for tokens, channels in zip(N.tolist(), C.tolist(), strict=True):
        pairs, layers = 2 * tokens * tokens * channels, 4 * tokens * channels * channels
        out.append(pairs / (pairs + layers))
    return torch.tensor(out, dtype=N.dtype)


def _of(core: Tensor, rest: Tensor) -> Tensor:
    return core / (core + rest)


WRONG = {
    "when the pairs are counted for the scores only, not for the mix of values":
        lambda N, C: _of(N * C * N, 4 * N * C * C),
    "when the layer that follows the heads is forgotten": lambda N, C: _of(2 * N * N * C, 3 * N * C * C),
    "when only one linear layer is counted": lambda N, C: _of(2 * N * N * C, N * C * C),
    "when only two linear layers are counted, the scores' own": lambda N, C: _of(2 * N * N * C, 2 * N * C * C),
    "when the layers' share is returned, not the pairs'": lambda N, C: _of(4 * N * C * C, 2 * N * N * C),
    "when the pairs are divided by the layers, not by both together": lambda N, C: N / (2 * C),
    "when the layers are divided by the pairs": lambda N, C: 2 * C / N,
    "when the pairs' channels are forgotten": lambda N, C: _of(2 * N * N, 4 * N * C * C),
    "when the layers are counted for one token only": lambda N, C: _of(2 * N * N * C, 4 * C * C),
    "when both are given the same power of the channels": lambda N, C: _of(2 * N * N * C * C, 4 * N * C * C),
    "when the pairs grow with N once": lambda N, C: _of(2 * N * C, 4 * N * C * C),
    "when the network of two layers behind the attention is counted as well":
        lambda N, C: _of(2 * N * N * C, 12 * N * C * C),
    "in percent, not as a share of one": lambda N, C: 100 * _of(2 * N * N * C, 4 * N * C * C),
    "when pairs are counted once each way (i and j, not j and i)": lambda N, C: _of(N * (N + 1) * C, 4 * N * C * C),
    "when the share is the difference": lambda N, C: (2 * N * N * C - 4 * N * C * C) / (2 * N * N * C + 4 * N * C * C),
    "when N and C change places": lambda N, C: C / (C + 2 * N),
}


def layers(seed: int) -> tuple[Tensor, ...]:
    """Inputs: tokens and channels of seven layers."""
    return tuple(100 * (1 + normal(seed + n, N).abs()) for n in (0, 10))


def even(a: Attempt) -> Finding | None:
    C = torch.tensor([96.0, 768.0], dtype=torch.float64)
    got = a.ask(2 * C, C)
    return None if close(got, torch.full_like(got, 0.5)) else Finding(
        f"with N = 2 C pairs and layers work alike, one half each; yours says {got[0].item():.4g} at C = 96",
        "Pairs: N N C for the scores and N N C for the mix. Layers: four of N C C.", True)


def many(a: Attempt) -> Finding | None:
    tokens, C = (torch.full((1,), n, dtype=torch.float64) for n in (1e9, 8.0))
    got = a.ask(tokens, C)
    return None if close(got, torch.ones_like(got), 1e-6) else Finding(
        f"with a thousand million tokens the pairs are all of the work, 1; yours says {got[0].item():.4g}",
        "Divide the pairs by pairs and layers together.", True)


core_share = Exercise(
    "core_share", "2.2", right, layers, (*FIRST, many, even, *LAST), WRONG, "One half at N = 2 C, whatever C is.")
