"""Exercise 3.1: the numerical rank, a count that depends on its tolerance."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

H, COUNT = 4, 6  # heads, singular values per head


def right(s: Tensor, tolerance: float) -> Tensor:
    """Head by head. s (H, n), descending, and a number -> (H,) counts."""
    return torch.tensor([sum(bool(x > tolerance * row[0]) for x in row) for row in s])


WRONG = {
    "when values are compared with the tolerance itself, not with the tolerance times the largest":
        lambda s, t: (s > t).sum(-1),
    "when the tolerance multiplies the sum": lambda s, t: (s > t * s.sum(-1, keepdim=True)).sum(-1),
    "when the tolerance multiplies the mean": lambda s, t: (s > t * s.mean(-1, keepdim=True)).sum(-1),
    "when the tolerance multiplies the smallest value, so that every non-zero value counts":
        lambda s, t: (s > t * s[..., -1:]).sum(-1),
    "when all heads are compared with the largest value of any head": lambda s, t: (s > t * s.max()).sum(-1),
    "when the largest is taken over heads, not within one":
        lambda s, t: (s > t * s.amax(0, keepdim=True)).sum(-1),
    "when values that only equal the tolerance are counted, too": lambda s, t: (s >= t * s[..., :1]).sum(-1),
    "when the values below the tolerance are counted": lambda s, t: (s < t * s[..., :1]).sum(-1),
    "when all values not above the tolerance are counted": lambda s, t: (s <= t * s[..., :1]).sum(-1),
    "when squared values are compared with the squared largest":
        lambda s, t: (s.square() > t * s[..., :1].square()).sum(-1),
    "when the values are squared and the largest is not": lambda s, t: (s.square() > t * s[..., :1]).sum(-1),
    "when the count is one too small": lambda s, t: (s > t * s[..., :1]).sum(-1) - 1,
    "when heads are counted instead of values": lambda s, t: (s > t * s[..., :1]).sum(0),
    "when the counts of all heads are summed": lambda s, t: (s > t * s[..., :1]).sum(),
    "when the largest is divided by the tolerance": lambda s, t: (s > s[..., :1] / t).sum(-1),
    "when the fraction of the values is returned instead of the count":
        lambda s, t: (s > t * s[..., :1]).double().mean(-1),
    "when the values are summed instead of counted": lambda s, t: (s * (s > t * s[..., :1])).sum(-1),
    "before the count: these are the values that count, not their number": lambda s, t: s > t * s[..., :1],
}


def spectra(seed: int) -> tuple[Any, ...]:
    """Four heads at four scales; in each, one value equals the tolerance times the largest."""
    tolerance = (0.25, 0.125, 0.0625)[seed % 3]
    s = normal(seed, H, COUNT).mul(1.6).exp().clamp(tolerance / 8, 0.96)
    s[:, 0], s[:, 1] = 1.0, tolerance
    s = s.sort(descending=True).values
    return s * torch.tensor([[0.125], [1.0], [4.0], [0.5]], dtype=s.dtype), tolerance


def scaled(a: Attempt) -> Finding | None:
    s, tolerance = a.given
    got, larger = a.ask(s, tolerance), a.ask(1024 * s, tolerance)
    return None if torch.equal(got, larger) else Finding(
        f"a map times 1024 has the same rank; yours goes from {got.tolist()} to {larger.tolist()}",
        "Multiply the tolerance by the largest value of each head.", True)


def all_count(a: Attempt) -> Finding | None:
    got = a.ask(torch.full((H, COUNT), 3.0, dtype=torch.float64), 0.5)
    off = row_difference(got, COUNT, 0.0, ".3g")
    return None if off is None else Finding(
        f"of {COUNT} equal values all {off.wanted} count; yours counts {off.got} for head {off.place}",
        "Count all values that are larger than the tolerance times the largest.", True)


numerical_rank = Exercise(
    "numerical_rank", "3.1", right, spectra, (*FIRST, scaled, all_count, *LAST), WRONG,
    "This count must always be given with its tolerance.")
