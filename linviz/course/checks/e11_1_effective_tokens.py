"""Exercise 11.1: two to the entropy of every row; some weights are zero."""
from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.special import entr

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, matches_values
from ..tensor_equality import is_close
from .pairs import bits
from .samples import N, S, normal


def right(a: Tensor) -> Tensor:
    """Weight by weight; a weight of zero adds nothing. a (N, S) -> (N,) patches."""
    found = [-sum(w * math.log2(w) for w in row if w > 0) for row in a.tolist()]
    return torch.tensor([2**h for h in found], dtype=a.dtype)


WRONG = {
    "when a weight of zero gives NaN: 0 times the logarithm of 0": lambda a: (-(a * a.log2()).sum(-1)).exp2(),
    "when the entropy itself comes back, not two to its power": bits,
    "when two is raised to an entropy in nats": lambda a: entr(a).sum(-1).exp2(),
    "when e is raised to an entropy in bits": lambda a: bits(a).exp(),
    "when the logarithm is taken to base 10": lambda a: (bits(a) * math.log10(2)).exp2(),
    "when the minus before the sum is missing": lambda a: (-bits(a)).exp2(),
    "when one over the sum of squares comes back, which is participation": lambda a: 1 / a.square().sum(-1),
    "when the weights that are not zero are counted": lambda a: (a > 0).sum(-1).to(a),
    "when one over the largest weight comes back": lambda a: 1 / a.amax(-1),
    "when the sum goes over the queries, not over the keys": lambda a: bits(a, -2).exp2(),
    "when one mean is taken over all rows": lambda a: bits(a).mean().exp2(),
    "when the entropies of all rows are added up": lambda a: bits(a).sum().exp2(),
    "with a mean over the keys in place of the sum": lambda a: entr(a).mean(-1).div(math.log(2)).exp2(),
    "when 0.000001 is added inside the logarithm": lambda a: (-(a * (a + 1e-6).log2()).sum(-1)).exp2(),
    "when the result is divided by the number of keys": lambda a: bits(a).exp2() / a.shape[-1],
    "when the entropy is squared, not put into the exponent": lambda a: bits(a).square(),
    "when twice the entropy comes back, not two to its power": lambda a: 2 * bits(a),
    "when the weights go through a softmax first": lambda a: bits(a.softmax(-1)).exp2(),
}


def holes(seed: int) -> tuple[Tensor]:
    """Inputs: rows that sum to one, each with at least one weight of zero."""
    weights = (normal(seed, N, S) + 0.4).relu() + 0.1
    weights[torch.arange(N), torch.arange(N) % S] = 0
    return (weights / weights.sum(-1, keepdim=True),)


def alike(a: Attempt) -> Finding | None:
    rows = torch.tensor([[1.0] * n + [0.0] * (S - n) for n in range(1, S + 1)], dtype=torch.float64)
    rows = rows / rows.sum(-1, keepdim=True)
    got, wanted = a.ask(rows), torch.arange(1, S + 1, dtype=torch.float64)
    off = first_difference(got, wanted, 1e-7, ".3g")
    return None if off is None else Finding(
        f"a row with {off.wanted} equal weights and zeros has {off.wanted} effective tokens; yours gives {off.got}",
        "H = -sum of a log2 a, where a = 0 adds nothing; then 2 to the power of H.", True)


def near(a: Attempt) -> Finding | None:
    """An answer that adds a tiny number to avoid log 0 is right, too."""
    return None if is_close(a.got, a.expected, 1e-7) else matches_values(a)


effective_tokens = Exercise(
    "effective_tokens", "11.1", right, holes, (*FIRST[:-1], alike, near), WRONG,
    "2^H is n for a row with n equal weights, whether the other weights are zero or not there.")
