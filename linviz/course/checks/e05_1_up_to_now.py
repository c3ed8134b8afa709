"""Exercise 5.1: causal linear attention by the triangle."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from .outputs import ATTENDS
from .pairs import dot, mix_pairs, mix_rows
from .samples import E, M, N, normal, phi


def right(phi_q: Tensor, phi_k: Tensor, v: Tensor) -> Tensor:
    """Pair by pair. phi_q, phi_k (N, M), v (N, E) -> (N, E)."""
    return mix_pairs(dot, phi_q, phi_k, v, seen=lambda i: slice(0, i + 1))


def _count(v: Tensor) -> Tensor:
    return torch.arange(1, len(v) + 1, dtype=v.dtype)[:, None]


WRONG = {
    "without the triangle": lambda q, k, v: mix_rows(q @ k.mT, v),
    "with the upper triangle, the future": lambda q, k, v: mix_rows((q @ k.mT).triu(), v),
    "when a token may not see itself": lambda q, k, v: mix_rows((q @ k.mT).tril(-1), v),
    "when every token also sees the next token": lambda q, k, v: mix_rows((q @ k.mT).tril(1), v),
    "when the row sum is made before the triangle": lambda q, k, v: (q @ k.mT).tril() @ v / (q @ k.sum(0))[:, None],
    "without dividing by the row sum": lambda q, k, v: (q @ k.mT).tril() @ v,
    "when it is divided by the number of tokens so far": lambda q, k, v: (q @ k.mT).tril() @ v / _count(v),
    "when it is divided by the number of tokens": lambda q, k, v: (q @ k.mT).tril() @ v / len(v),
    "when it is divided by column sums instead of row sums":
        lambda q, k, v: (q @ k.mT).tril() @ v / (q @ k.mT).tril().sum(0)[:, None],
    "with a softmax of the triangle, where a masked weight of 0 counts as exp(0)":
        lambda q, k, v: (q @ k.mT).tril().softmax(-1) @ v,
    "with a softmax of the allowed products":
        lambda q, k, v: (q @ k.mT).masked_fill(torch.ones(len(q), len(k)).triu(1) > 0, -torch.inf).softmax(-1) @ v,
    "when all tokens so far have the same weight": lambda q, k, v: v.cumsum(0) / _count(v),
    "when the triangle is cut from the transposed table": lambda q, k, v: mix_rows((k @ q.mT).tril(), v),
    "when only the values are summed up to the query": lambda q, k, v: mix_rows(q @ k.mT, v.cumsum(0)),
    "when the keys' features replace the queries' features": lambda q, k, v: mix_rows((k @ k.mT).tril(), v),
    "when the queries' features replace the keys' features": lambda q, k, v: mix_rows((q @ q.mT).tril(), v),
    "with the diagonal only": lambda q, k, v: mix_rows((q @ k.mT).tril().triu(), v),
    "when the triangle divides instead of multiplying": lambda q, k, v: mix_rows((q @ (1 / k).mT).tril(), v),
}


def mixed(seed: int, tokens: int = N) -> tuple[Tensor, ...]:
    """Inputs: features of queries and of keys, values."""
    return phi(seed, tokens, M), phi(seed + 10, tokens, M), normal(seed + 20, tokens, E)


def nobody_peeks(a: Attempt) -> Finding | None:
    """A new last token must not change an earlier output. For answers to (phi_q, phi_k, v, ...)."""
    q, k, v, *rest = a.given
    got = a.ask(q, torch.cat((k[:-1], 3 * k[-1:])), torch.cat((v[:-1], -v[-1:])), *rest)
    off = (got - a.got)[:-1].abs().amax(-1) > 1e-9
    if not bool(off.any()):
        return None
    return Finding(f"a new last token (number {len(q) - 1}) changes the output of token {int(off.nonzero()[0])}",
                   "Set the weights of keys j > i to zero before any sum, also before the row sum.", True)


def the_first(a: Attempt) -> Finding | None:
    """The first token sees itself alone. For answers to (phi_q, phi_k, v, ...)."""
    v, got = a.given[2], a.got
    off = first_difference(got[0], v[0], 1e-6)
    return None if off is None else Finding(
        f"token 0 sees only itself, so its output is its value, {off.wanted}; yours is {off.got}",
        "Use keys 0 to i, including the token itself, and divide by the sum of their weights.", True)


def shares(a: Attempt) -> Finding | None:
    """Values that are all 1 give 1. For answers to (phi_q, phi_k, v, ...)."""
    q, k, v, *rest = a.given
    got = a.ask(q, k, torch.ones_like(v), *rest)
    off = row_difference(got, 1.0, 1e-6)
    return None if off is None else Finding(
        f"the weights of a row sum to 1, so values that are all 1 should give 1; yours at [{off.place}] gives "
        f"{off.got}", "Divide by the sum of the weights that are left.", True)


up_to_now = Exercise("up_to_now", "5.1", right, mixed, (*ATTENDS, nobody_peeks, the_first, shares, *LAST), WRONG,
                     "No token sees the future, and every row sums to one.")
