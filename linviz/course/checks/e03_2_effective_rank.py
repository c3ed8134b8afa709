"""Exercise 3.2: the effective rank of Roy and Vetterli."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding, close
from ..properties import FIRST, LAST
from .samples import normal

H, R = 4, 6


def right(s: Tensor) -> Tensor:
    """Head by head. s (H, R) -> (H,)."""
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
    "without the exponential: that is the entropy, not a number of directions": lambda s: _nats(_share(s)),
    "when bits go into exp: with log2 it takes two to the power": lambda s: (_nats(_share(s)) / math.log(2)).exp(),
    "when nats go into two to the power: with log it takes exp": lambda s: _nats(_share(s)).exp2(),
    "when log10 goes with exp": lambda s: (_nats(_share(s)) / math.log(10)).exp(),
    "in bits, without two to the power": lambda s: _nats(_share(s)) / math.log(2),
    "when the values are not divided by their sum": lambda s: _nats(s).exp(),
    "when they are divided by the largest and not by their sum": lambda s: _nats(s / s[..., :1]).exp(),
    "when they are divided by their length and not by their sum":
        lambda s: _nats(s / s.norm(dim=-1, keepdim=True)).exp(),
    "when they are divided by the sum over heads": lambda s: _nats(s / s.sum(0)).exp(),
    "when they are divided by the sum of all heads": lambda s: _nats(s / s.sum()).exp(),
    "when they are divided by their mean": lambda s: _nats(s / s.mean(-1, keepdim=True)).exp(),
    "with s squared: that is the entropy of the energy, another count": lambda s: _nats(_share(s.square())).exp(),
    "when a softmax makes the shares": lambda s: _nats(s.softmax(-1)).exp(),
    "when the minus is missing: one over the effective rank": lambda s: (-_nats(_share(s))).exp(),
    "when one sums over heads": lambda s: (-(_share(s) * _share(s).log()).sum(0)).exp(),
    "when all heads are added up": lambda s: (-(_share(s) * _share(s).log()).sum()).exp(),
    "with a mean in the place of the sum": lambda s: (_nats(_share(s)) / s.shape[-1]).exp(),
    "with the participation ratio of s": lambda s: 1 / _share(s).square().sum(-1),
    "with the participation ratio of the energy": lambda s: s.square().sum(-1).square() / s.pow(4).sum(-1),
    "with the stable rank": lambda s: s.square().sum(-1) / s[..., 0].square(),
    "when the share before the logarithm is missing": lambda s: (-_share(s).log().sum(-1)).exp(),
    "when the logarithm is of s and not of its share": lambda s: (-(_share(s) * s.log()).sum(-1)).exp(),
    "when the share stands only inside the logarithm": lambda s: (-(s * _share(s).log()).sum(-1)).exp(),
    "when the entropy is divided by its most, log R": lambda s: _nats(_share(s)) / math.log(s.shape[-1]),
    "when it is divided by the number of values": lambda s: _nats(_share(s)).exp() / s.shape[-1],
}


def spectra(seed: int) -> tuple[Any, ...]:
    """Four heads, every one descending and at its own scale."""
    return (normal(seed, H, R).exp().sort(descending=True).values * torch.tensor([[0.3], [1.0], [5.0], [2.0]]),)


def flat(a: Attempt) -> Finding | None:
    got = a.ask(torch.full((H, R), 3.0, dtype=torch.float64))
    return None if close(got, torch.full_like(got, R)) else Finding(
        f"{R} equal values are {R} directions; yours says {got.flatten()[0].item():.4g}",
        "Shares p = s / sum s first; then exp of minus the sum of p log p.", True)


effective_rank = Exercise(
    "effective_rank", "3.2", right, spectra, (*FIRST, flat, *LAST), WRONG,
    "No tolerance anywhere, and no jump: half a direction counts as half.")
