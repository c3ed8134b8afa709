"""Exercise 13.5: a gate with different ratios that changes no weight at all. Many answers are right."""
from __future__ import annotations

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import is_finite, matches_shape, returns_tensors


def right(N: int, M: int) -> tuple[Tensor, Tensor]:
    """One of the right answers: a factor per query, and a channel profile that the keys undo. (N, M) twice."""
    channel, token = profile(M), profile(N)[:, None]
    return token * channel, (0.2 / channel).expand(N, M)


def profile(n: int) -> Tensor:
    """Ratios that rise from 0.3 to 0.9.

    >>> profile(3).tolist()
    [0.3, 0.6, 0.9]
    """
    return torch.linspace(0.3, 0.9, n, dtype=torch.float64)


WRONG = {
    "with constant ratios": lambda N, M: (torch.full((N, M), 0.3), torch.full((N, M), 0.7)),
    "when the keys get the queries' own profile instead of its inverse":
        lambda N, M: (profile(N)[:, None] * profile(M), profile(M).expand(N, M)),
    "when the keys' ratios vary over tokens":
        lambda N, M: (profile(M).expand(N, M), profile(N)[:, None] * 0.2 / profile(M)),
    "when the keys' ratios are one minus the queries'":
        lambda N, M: (profile(N)[:, None] * profile(M), (1 - profile(M)).expand(N, M)),
    "when the inverse is not scaled to stay below one":
        lambda N, M: (profile(N)[:, None] * profile(M), (1 / profile(M)).expand(N, M)),
    "when the queries vary over channels and the keys do not undo this":
        lambda N, M: (profile(N)[:, None] * profile(M), torch.full((N, M), 0.5)),
    "when only the tokens of the queries vary":
        lambda N, M: (profile(N)[:, None].expand(N, M), torch.full((N, M), 0.5)),
    "when ratios of zero are used": lambda N, M: (torch.zeros(N, M), torch.full((N, M), 0.5)),
    "when queries and keys are returned in the wrong order":
        lambda N, M: ((0.2 / profile(M)).expand(N, M), profile(N)[:, None] * profile(M)),
}


def wide(r: Tensor, dim: int) -> float:
    """The smallest quotient of largest and smallest number along an axis.

    >>> wide(torch.tensor([[1.0, 2.0], [1.0, 3.0]]), 1)
    2.0
    """
    return (r.amax(dim) / r.amin(dim)).min().item()


def ratios(a: Attempt) -> Finding | None:
    for name, r in zip(("query", "key"), a.got, strict=True):
        if not bool(((r > 0) & (r < 1)).all()):
            reach = f"your {name} ratios range from {r.min().item():.3g} to {r.max().item():.3g}"
            return Finding(f"a ratio lies between 0 and 1; {reach}",
                           "A constant factor on all keys cancels: use such a factor to stay below 1.", True)
    return None


def same_keys(a: Attempt) -> Finding | None:
    r_k = a.got[1].double()
    return None if (r_k / r_k[:1] - 1).abs().max() < 1e-5 else Finding(
        "your key ratios differ from token to token",
        "Such ratios cannot cancel, because they weight keys against each other. "
        "Only the channels of the keys may differ.", True)


def undone(a: Attempt) -> Finding | None:
    product = a.got[0].double() * a.got[1].double()[:1]
    off = (product / product[:, :1] - 1).abs().max(0).values
    m = int(off.argmax())
    return None if off[m] < 1e-5 else Finding(
        f"for query 0, channel {m} counts {(product[0, m] / product[0, 0]).item():.2f} times as much as channel 0",
        "If the query side multiplies a channel by a factor, the key side must divide it by the same factor.", True)


def lively(a: Attempt) -> Finding | None:
    r_q, r_k = (r.double() for r in a.got)
    for name, times in (("queries, over tokens", wide(r_q, 0)), ("queries, over channels", wide(r_q, 1)),
                        ("keys, over channels", wide(r_k, 1))):
        if times < 1.5:
            return Finding(f"it cancels, but it hardly varies ({name}: largest over smallest is {times:.2f}, not 1.5)",
                           "A constant gate is the easy case. Which other gates leave every row unchanged?", True)
    return None


cancelling = Exercise(
    "cancelling", "13.5", right, lambda seed: ((7, 5), (4, 9), (6, 3))[seed % 3],
    (returns_tensors, matches_shape, is_finite, ratios, same_keys, undone, lively), WRONG,
    "The ratios vary, and no weight of the map has changed.")
