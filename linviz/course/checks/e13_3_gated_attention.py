"""Exercise 13.3: gated linear attention, without a table of all pairs."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .pairs import EPS, attend, dot, mix_pairs
from .samples import E, M, N, S, normal, phi, ratio
from .work_properties import linear_in_tokens


def right(phi_q: Tensor, phi_k: Tensor, v: Tensor, r_q: Tensor, r_k: Tensor) -> Tensor:
    """Pair by pair. phi_q, r_q (N, M), phi_k, r_k (S, M), v (S, E) -> (N, E)."""
    return mix_pairs(dot, r_q * phi_q, r_k * phi_k, v, eps=EPS)


def _by(q: Tensor, k: Tensor, v: Tensor, below: Tensor) -> Tensor:
    return q @ (k.mT @ v) / (below + EPS)


WRONG = {
    "without dividing by the row sum": lambda p, k, v, s, t: (p * s) @ ((k * t).mT @ v),
    "without a gate": lambda p, k, v, s, t: attend(p, k, v),
    "when only the queries are gated": lambda p, k, v, s, t: attend(p * s, k, v),
    "when only the keys are gated": lambda p, k, v, s, t: attend(p, k * t, v),
    "when the ratios are added instead of multiplied": lambda p, k, v, s, t: attend(p + s, k + t, v),
    "when the row sum is computed from keys without their gate":
        lambda p, k, v, s, t: _by(p * s, k * t, v, (p * s) @ k.sum(0)[:, None]),
    "when the row sum is computed from queries without their gate":
        lambda p, k, v, s, t: _by(p * s, k * t, v, p @ (k * t).sum(0)[:, None]),
    "when the row sum is computed without any gate": lambda p, k, v, s, t: _by(p * s, k * t, v, p @ k.sum(0)[:, None]),
    "when the eps is left out": lambda p, k, v, s, t: attend(p * s, k * t, v, eps=0.0),
    "when the eps is subtracted instead of added": lambda p, k, v, s, t: attend(p * s, k * t, v, eps=-EPS),
    "when the sums are divided by the number of keys": lambda p, k, v, s, t: (p * s) @ ((k * t).mT @ v) / len(k),
    "when the rows are divided by the sum of all weights, not each by its own sum":
        lambda p, k, v, s, t: _by(p * s, k * t, v, ((p * s) @ (k * t).sum(0)).sum()),
    "when the row sum goes over the channels of one token, not over the keys":
        lambda p, k, v, s, t: _by(p * s, k * t, v, (p * s).sum(-1, keepdim=True)),
    "when the rows are multiplied by the row sum instead of divided":
        lambda p, k, v, s, t: (p * s) @ ((k * t).mT @ v) * ((p * s) @ (k * t).sum(0)[:, None] + EPS),
    "with a softmax of the gated scores": lambda p, k, v, s, t: ((p * s) @ (k * t).mT).softmax(-1) @ v,
    "when the mean of the weighted values is taken, not their sum":
        lambda p, k, v, s, t: attend(p * s, k * t, v) / len(k),
    "when the gate is applied twice": lambda p, k, v, s, t: attend(p * s * s, k * t * t, v),
    "when features are multiplied by 1 - r, not by r":
        lambda p, k, v, s, t: attend(p * (1 - s), k * (1 - t), v),
    "when features are divided by their ratios": lambda p, k, v, s, t: attend(p / s, k / t, v),
}


def mixed(seed: int, queries: int = N, keys: int = S) -> tuple[Tensor, ...]:
    """Inputs: features, values, ratios."""
    return (phi(seed, queries, M), phi(seed + 10, keys, M), normal(seed + 20, keys, E), ratio(seed + 30, queries, M),
            ratio(seed + 40, keys, M))


def shares(a: Attempt) -> Finding | None:
    p, k, v, s, t = a.given
    off = row_difference(a.ask(p, k, torch.ones_like(v), s, t), 1.0, 1e-4, ".3f")
    return None if off is None else Finding(
        f"each row sums to one, so values that are all 1 should give 1; yours give {off.got}",
        "Is every row divided by the sum of its own gated weights?", True)


def the_eps(a: Attempt) -> Finding | None:
    p, k, v, s, t = a.given
    got, wanted = (f(1e-4 * p, 1e-4 * k, torch.ones_like(v), s, t) for f in (a.ask, right))
    off = first_difference(got, wanted, 1e-6, ".4f")
    return None if off is None else Finding(
        f"for tiny features, with the eps, weights sum to {off.wanted}; yours to {off.got}",
        "Divide by the row sum + 1e-6, so that an empty row is not divided by 0.", True)


def both_gates(a: Attempt) -> Finding | None:
    p, k, v, s, t = a.given
    for name, given in (("query", (p, k, v, s.flip(-1), t)), ("key", (p, k, v, s, t.flip(-1)))):
        if is_close(a.ask(*given), a.got, 1e-6):
            return Finding(f"the {name} ratios have no effect on your output",
                           "Both sides are gated: q^ = r_q * phi(q) and k^ = r_k * phi(k).", True)
    return None


def constant(a: Attempt) -> Finding | None:
    p, k, v, s, t = a.given
    low, high = (a.ask(p, k, v, torch.full_like(s, r), torch.full_like(t, r)) for r in (0.3, 0.6))
    return None if is_close(low, high, 1e-4) else Finding(
        "a constant gate should cancel, but ratios of 0.3 everywhere and of 0.6 everywhere gave different outputs",
        "The ratios multiply the features in the numerator and in the row sum alike.", True)


linear_cost = linear_in_tokens(
    lambda n: mixed(0, n, n), "Multiply k^ transposed by v first. This product is M x E for any number of tokens.",
    seen="right numbers, but twice the tokens take more than twice the work: there is an N x N table somewhere")

gated_attention = Exercise(
    "gated_attention", "13.3", right, mixed, (*FIRST, both_gates, constant, shares, the_eps, *LAST, linear_cost), WRONG,
    "Twice the tokens take twice the work: there is no N x N table.")
