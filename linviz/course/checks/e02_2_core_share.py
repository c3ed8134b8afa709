"""Exercise 2.2: the share of the pairs in a layer's work."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import RELATIVE
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
    "when only the scores are counted, not the mixing of the values":
        lambda N, C: _of(N * C * N, 4 * N * C * C),
    "when the linear map after the heads is forgotten": lambda N, C: _of(2 * N * N * C, 3 * N * C * C),
    "when only one linear map is counted": lambda N, C: _of(2 * N * N * C, N * C * C),
    "when only the linear maps of queries and keys are counted": lambda N, C: _of(2 * N * N * C, 2 * N * C * C),
    "when the share of the linear maps is returned": lambda N, C: _of(4 * N * C * C, 2 * N * N * C),
    "when the pairs are divided by the linear maps only, not by the total": lambda N, C: N / (2 * C),
    "when the linear maps are divided by the pairs": lambda N, C: 2 * C / N,
    "when the pairs' channels are forgotten": lambda N, C: _of(2 * N * N, 4 * N * C * C),
    "when the linear maps are counted for one token only": lambda N, C: _of(2 * N * N * C, 4 * C * C),
    "when the pairs have the channels squared": lambda N, C: _of(2 * N * N * C * C, 4 * N * C * C),
    "when the pairs grow with N, not with N squared": lambda N, C: _of(2 * N * C, 4 * N * C * C),
    "when the two layers after the attention are counted as well":
        lambda N, C: _of(2 * N * N * C, 12 * N * C * C),
    "in percent, not as a share of one": lambda N, C: 100 * _of(2 * N * N * C, 4 * N * C * C),
    "when each unordered pair is counted once": lambda N, C: _of(N * (N + 1) * C, 4 * N * C * C),
    "when the share is the difference": lambda N, C: (2 * N * N * C - 4 * N * C * C) / (2 * N * N * C + 4 * N * C * C),
    "when N and C are exchanged": lambda N, C: C / (C + 2 * N),
}


def layers(seed: int) -> tuple[Tensor, ...]:
    """Inputs: tokens and channels of seven layers."""
    return tuple(100 * (1 + normal(seed + n, N).abs()) for n in (0, 10))


def even(a: Attempt) -> Finding | None:
    C = torch.tensor([96.0, 768.0], dtype=torch.float64)
    off = row_difference(a.ask(2 * C, C), 0.5, RELATIVE)
    return None if off is None else Finding(
        f"with N = 2 C pairs and linear maps need equal work, 0.5 each; yours gives {off.got} for layer {off.place}",
        "Pairs: N N C for the scores and N N C for the mix. Linear maps: four of N C C.", True)


def many(a: Attempt) -> Finding | None:
    tokens, C = (torch.full((1,), n, dtype=torch.float64) for n in (1e9, 8.0))
    off = row_difference(a.ask(tokens, C), 1.0, 1e-6)
    return None if off is None else Finding(
        f"with a thousand million tokens the share of the pairs is 1; yours gives {off.got}",
        "Divide the pairs by the sum of pairs and linear maps.", True)


core_share = Exercise(
    "core_share", "2.2", right, layers, (*FIRST, many, even, *LAST), WRONG,
    "The share is one half at N = 2 C, for every C.")
