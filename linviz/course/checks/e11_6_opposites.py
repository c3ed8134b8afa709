"""Exercise 11.6: a sharp map of rank one, and a flat map of full rank. Many answers are right."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ...spectra import numerical_rank
from ..exercise import Attempt, Exercise, Finding
from ..properties import is_finite, matches_shape, returns_tensors
from .pairs import bits

CLOSE = 0.01  # bits that a row may differ from the smallest or the largest possible entropy


def right(N: int) -> tuple[Tensor, Tensor]:
    """One of the right answers: all look at the first key; all look at all keys, at their own a little more."""
    sharp = torch.zeros(N, N, dtype=torch.float64)
    sharp[:, 0] = 1
    return sharp, 0.99 * _flat(N) + 0.01 * torch.eye(N, dtype=torch.float64)


def _flat(N: int) -> Tensor:
    return torch.full((N, N), 1 / N, dtype=torch.float64)


def _eye(N: int) -> Tensor:
    return torch.eye(N, dtype=torch.float64)


WRONG = {
    "when every query looks at a key of its own: this map is sharp, but it has full rank":
        lambda N: (_eye(N), right(N)[1]),
    "when the flat map is the uniform map, which has rank one": lambda N: (right(N)[0], _flat(N)),
    "when the two maps come back in the wrong order": lambda N: right(N)[::-1],
    "when the flat map's rows no longer sum to one": lambda N: (right(N)[0], _flat(N) + 0.01 * _eye(N)),
    "when half of the flat map is the diagonal, so that it is no longer flat":
        lambda N: (right(N)[0], (_flat(N) + _eye(N)) / 2),
    "when a weight of the flat map is negative": lambda N: (right(N)[0], 1.5 * _flat(N) - 0.5 * _eye(N)),
    "when a column of the sharp map is filled, but its rows do not sum to one":
        lambda N: (right(N)[0] / N, right(N)[1]),
    "when one row of the sharp map is filled, not one column": lambda N: (right(N)[0].mT, right(N)[1]),
    "when both maps are the uniform map": lambda N: (_flat(N), _flat(N)),
    "when both maps are the identity": lambda N: (_eye(N), _eye(N)),
    "when the flat map differs from the uniform map in one row only":
        lambda N: (right(N)[0], torch.cat((right(N)[1][:1], _flat(N)[1:]))),
    "when the sharp map looks at two keys": lambda N: (right(N)[0] / 2 + right(N)[0].roll(1, -1) / 2, right(N)[1]),
}


def rank(a: Tensor) -> int:
    """Numerical rank of a map, with the tolerance of its own dtype.

    >>> rank(torch.eye(3)), rank(torch.ones(3, 3))
    (3, 1)
    """
    tolerance = max(a.shape) * torch.finfo(a.dtype).eps if a.is_floating_point() else 1e-12
    return int(numerical_rank(torch.linalg.svdvals(a.double()), tolerance))


def shares(a: Attempt) -> Finding | None:
    for name, x in zip(("sharp", "flat"), a.got, strict=True):
        if (x < 0).any():
            return Finding(f"a weight of your {name} map is negative: {x.min().item():.3g}",
                           "Weights of a probability distribution are never negative.", True)
        if (x.double().sum(-1) - 1).abs().max() > 1e-6:
            return Finding(f"every row should sum to one; a row of your {name} map sums to "
                           f"{x.double().sum(-1)[0].item():.3g}", "Rows are queries: each row sums to one.", True)
    return None


def entropies(a: Attempt) -> Finding | None:
    sharp, flat = (bits(x.double()) for x in a.got)
    most = math.log2(a.given[0])
    if sharp.max() > CLOSE:
        return Finding(f"a row of your sharp map has {sharp.max().item():.3f} bits; at most {CLOSE} are allowed",
                       "A row with all its weight on one key has 0 bits.", True)
    return None if flat.min() >= most - CLOSE else Finding(
        f"a row of your flat map has {flat.min().item():.3f} bits; at least log2({a.given[0]}) - {CLOSE} = "
        f"{most - CLOSE:.3f} are needed", "Stay closer to the uniform map: a small difference is enough.", True)


def ranks(a: Attempt) -> Finding | None:
    (sharp, flat), N = (rank(x) for x in a.got), a.given[0]
    if sharp != 1:
        return Finding(f"your sharp map is sharp, but its rank is {sharp}, not 1",
                       "Rank 1: all rows are the same. All queries look at one key, and you choose which.", True)
    return None if flat == N else Finding(
        f"your flat map is flat, but its rank is {flat}, not {N}",
        "No row may be a mixture of the others: give every query a small difference of its own.", True)


opposites = Exercise(
    "opposites", "11.6", right, lambda seed: ((7,), (4,), (9,))[seed % 3],
    (returns_tensors, matches_shape, is_finite, shares, entropies, ranks), WRONG,
    "Neither concentration nor rank determines the other.")
