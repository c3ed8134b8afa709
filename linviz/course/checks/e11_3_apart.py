"""Exercise 11.3: the map of relu + c split into three parts, query by query."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import RELATIVE
from .pairs import listed
from .samples import M, N, S, normal


def right(q: Tensor, k: Tensor, c: float) -> Tensor:
    """Pair by pair. q (N, D), k (S, D), none negative -> (N, 3) shares: the pair, the key alone, the constant."""
    out = torch.zeros(len(q), 3, dtype=q.dtype)
    for i in range(len(q)):
        for j in range(len(k)):
            for m in range(q.shape[1]):
                x, y = q[i, m].item(), k[j, m].item()
                out[i] += torch.tensor([x * y, c * y, c * x + c * c], dtype=q.dtype)
    return out / out.sum(-1, keepdim=True)


def _three(q: Tensor, k: Tensor, c: float) -> list[Tensor]:
    """Weight of pair, key, query and constant, summed over the keys: (N,) each."""
    S, D = k.shape
    one = q.new_ones(len(q))
    return [(q @ k.mT).sum(-1), c * k.sum() * one, S * c * q.sum(-1), S * D * c * c * one]


def _weights(q: Tensor, k: Tensor, c: float) -> Tensor:
    pair, key, query, rest = _three(q, k, c)
    return torch.stack((pair, key, query + rest), -1)


def _shares(*parts: Tensor) -> Tensor:
    table = torch.stack(parts, -1)
    return table / table.sum(-1, keepdim=True)


def _by(change: Answer) -> Answer:
    """A wrong answer made by changing the four weights before they become shares."""
    def answer(q: Tensor, k: Tensor, c: float) -> Tensor:
        pair, key, query, rest = change(*_three(q, k, c), q, k, c)
        return _shares(pair, key, query + rest)
    return answer


WRONG = {
    "when the floor counts as c instead of c squared, once a channel":
        _by(lambda p, k, q, r, x, y, c: (p, k, q, r / c)),
    "when the floor's square is counted for one channel only":
        _by(lambda p, k, q, r, x, y, c: (p, k, q, r / x.shape[1])),
    "when the constant term is counted for one key only":
        _by(lambda p, k, q, r, x, y, c: (p, k, q / len(y), r / len(y))),
    "when the floor's square is counted for one key only": _by(lambda p, k, q, r, x, y, c: (p, k, q, r / len(y))),
    "when the query's own term is counted for one key only": _by(lambda p, k, q, r, x, y, c: (p, k, q / len(y), r)),
    "without the query's own term": _by(lambda p, k, q, r, x, y, c: (p, k, 0 * q, r)),
    "without the floor's square": _by(lambda p, k, q, r, x, y, c: (p, k, q, 0 * r)),
    "without the key's term": _by(lambda p, k, q, r, x, y, c: (p, 0 * k, q, r)),
    "without both cross terms, with only the pair and the floor": _by(lambda p, k, q, r, x, y, c: (p, 0 * k, 0 * q, r)),
    "when the query's term is added to the key's": _by(lambda p, k, q, r, x, y, c: (p, k + q, 0 * q, r)),
    "when the key's term and the query's are exchanged": _by(lambda p, k, q, r, x, y, c: (p, q, k, r)),
    "when the key's term is added to the constant": _by(lambda p, k, q, r, x, y, c: (p, 0 * k, q + k, r)),
    "when the key's term lacks its c": _by(lambda p, k, q, r, x, y, c: (p, k / c, q, r)),
    "when the query's term lacks its c": _by(lambda p, k, q, r, x, y, c: (p, k, q / c, r)),
    "when the pair's weights are averaged over the keys, not summed":
        _by(lambda p, k, q, r, x, y, c: (p / len(y), k, q, r)),
    "when weights come back that are not divided by their sum": lambda q, k, c: _weights(q, k, c),
    "when the shares are taken over the queries, not over the three parts":
        lambda q, k, c: _weights(q, k, c) / _weights(q, k, c).sum(0),
    "when four parts come back: the query's term is the same for all keys, so it belongs to the constant":
        lambda q, k, c: _shares(*_three(q, k, c)),
    "when the order is constant, key, pair": lambda q, k, c: right(q, k, c).flip(-1),
    "when the floor is added to the features first": lambda q, k, c: right(q + c, k + c, c),
    "with the means over channels in place of the sums":
        _by(lambda p, k, q, r, x, y, c: (p, k / x.shape[1], q / x.shape[1], r)),
    "when the order is pair, constant, key": lambda q, k, c: right(q, k, c)[:, [0, 2, 1]],
    "when the constant is counted N times, once per query, not S times, once per key":
        _by(lambda p, k, q, r, x, y, c: (p, k, q * len(x) / len(y), r * len(x) / len(y))),
}


def positive(seed: int) -> tuple[Tensor, Tensor, float]:
    """Inputs: relu features of queries and keys, and a floor."""
    return normal(seed, N, M).relu() + 0.05, normal(seed + 10, S, M).relu() + 0.1, (0.3, 0.5, 0.8)[seed % 3]


def shares(a: Attempt) -> Finding | None:
    off = row_difference(a.got.sum(-1), 1.0, RELATIVE, ".3g")
    return None if off is None else Finding(
        f"the three shares of a query sum to 1; your shares of query {off.place} sum to {off.got}",
        "Sum each part over the keys, then divide by the sum of the three.", True)


def no_floor(a: Attempt) -> Finding | None:
    got = a.ask(*a.given[:2], 0.0)
    wanted = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64).expand(N, 3)
    off = first_difference(got, wanted, form=".2f")
    return None if off is None else Finding(
        f"without a floor (c = 0) the pair has the whole row: 1, 0, 0; yours has {off.got} for {off.wanted}",
        "Multiply out (q_plus + c)(k_plus + c): which of the four terms are left at c = 0?", True)


def empty(a: Attempt) -> Finding | None:
    zero = torch.zeros(N, M, dtype=torch.float64), torch.zeros(S, M, dtype=torch.float64)
    for name, q, k, wanted in (("features all zero", *zero, (0.0, 0.0, 1.0)),
                               ("a query of zeros, keys of ones", zero[0], 1 + zero[1], (0.0, 2 / 3, 1 / 3)),
                               ("a query of ones, keys of zeros", 1 + zero[0], zero[1], (0.0, 0.0, 1.0))):
        got = a.ask(q, k, 0.5)
        if off := first_difference(got, torch.tensor(wanted, dtype=torch.float64).expand(N, 3), form=".2f"):
            return Finding(f"{name}, c = 0.5: the shares of pair, key and constant are "
                           f"{listed(torch.tensor(wanted))}; yours has {off.got} for {off.wanted}",
                           "c * q_plus is the same for every key, so it belongs to the constant, like c times c.", True)
    return None


apart = Exercise(
    "apart", "11.3", right, positive, (*FIRST, shares, no_floor, empty, *LAST), WRONG,
    "A query can change only the part of the pair.")
