"""Exercise 3.2: the effective rank of Roy and Vetterli."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import RELATIVE
from .samples import normal

H, COUNT = 4, 6  # heads, singular values per head


def right(s: Tensor) -> Tensor:
    """Head by head. s (H, n) -> (H,)."""
    out = []
    for row in s:
        p = [x.item() / row.sum().item() for x in row]
        out.append(math.exp(-sum(x * math.log(x) for x in p if x > 0)))
    return torch.tensor(out, dtype=s.dtype)


def _nats(p: Tensor) -> Tensor:
    return -(p * p.log()).sum(-1)


def _share(s: Tensor) -> Tensor:
    return s / s.sum(-1, keepdim=True)


WRONG = {
    "without the exponential: this is the entropy, not a number of directions": lambda s: _nats(_share(s)),
    "when log2 is combined with exp: log2 needs a power of two": lambda s: (_nats(_share(s)) / math.log(2)).exp(),
    "when the natural logarithm is combined with a power of two": lambda s: _nats(_share(s)).exp2(),
    "when log10 is combined with exp": lambda s: (_nats(_share(s)) / math.log(10)).exp(),
    "with the entropy in bits, without the power of two": lambda s: _nats(_share(s)) / math.log(2),
    "when the values are not divided by their sum": lambda s: _nats(s).exp(),
    "when they are divided by the largest instead of their sum": lambda s: _nats(s / s[..., :1]).exp(),
    "when they are divided by their Euclidean norm instead of their sum":
        lambda s: _nats(s / s.norm(dim=-1, keepdim=True)).exp(),
    "when they are divided by the sum over heads": lambda s: _nats(s / s.sum(0)).exp(),
    "when they are divided by the sum of all heads": lambda s: _nats(s / s.sum()).exp(),
    "when they are divided by their mean": lambda s: _nats(s / s.mean(-1, keepdim=True)).exp(),
    "with s squared: this is the entropy of the energy, another count": lambda s: _nats(_share(s.square())).exp(),
    "when a softmax replaces the division by the sum": lambda s: _nats(s.softmax(-1)).exp(),
    "when the minus is missing, which gives one over the effective rank": lambda s: (-_nats(_share(s))).exp(),
    "when the sum goes over heads": lambda s: (-(_share(s) * _share(s).log()).sum(0)).exp(),
    "when the sum goes over all heads and values": lambda s: (-(_share(s) * _share(s).log()).sum()).exp(),
    "with a mean in place of the sum": lambda s: (_nats(_share(s)) / s.shape[-1]).exp(),
    "with the participation ratio of s": lambda s: 1 / _share(s).square().sum(-1),
    "with the participation ratio of the energy": lambda s: s.square().sum(-1).square() / s.pow(4).sum(-1),
    "with the stable rank": lambda s: s.square().sum(-1) / s[..., 0].square(),
    "when p before the logarithm is missing": lambda s: (-_share(s).log().sum(-1)).exp(),
    "when the logarithm is taken of s instead of p": lambda s: (-(_share(s) * s.log()).sum(-1)).exp(),
    "when p is used only inside the logarithm": lambda s: (-(s * _share(s).log()).sum(-1)).exp(),
    "when the entropy is divided by its maximum, log n": lambda s: _nats(_share(s)) / math.log(s.shape[-1]),
    "when it is divided by the number of values": lambda s: _nats(_share(s)).exp() / s.shape[-1],
}


def spectra(seed: int) -> tuple[Any, ...]:
    """Four heads, every one descending and at its own scale."""
    return (normal(seed, H, COUNT).exp().sort(descending=True).values * torch.tensor([[0.3], [1.0], [5.0], [2.0]]),)


def flat(a: Attempt) -> Finding | None:
    off = row_difference(a.ask(torch.full((H, COUNT), 3.0, dtype=torch.float64)), float(COUNT), RELATIVE)
    return None if off is None else Finding(
        f"{COUNT} equal values are {COUNT} directions; yours gives {off.got}",
        "First p = s / sum s; then exp of minus the sum of p log p.", True)


effective_rank = Exercise(
    "effective_rank", "3.2", right, spectra, (*FIRST, flat, *LAST), WRONG,
    "This count needs no tolerance and never jumps.")
