"""Exercise 1.1: attention as a soft lookup, softmax of q.k over sqrt(D)."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..comparison import number_pair
from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from ..tensor_equality import is_close
from .outputs import ATTENDS, sums_to_one
from .pairs import mix_pairs
from .samples import mixed


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Pair by pair. q (N, D), k (S, D), v (S, E) -> (N, E)."""
    return mix_pairs(lambda query, key: math.exp((query * key).sum().item() / math.sqrt(q.shape[1])), q, k, v)


def _at(q: Tensor, k: Tensor, v: Tensor, divisor: float) -> Tensor:
    return (q @ k.mT / divisor).softmax(-1) @ v


def _unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


WRONG = {
    "without dividing the scores by sqrt(D)": lambda q, k, v: _at(q, k, v, 1),
    "when the scores are multiplied by sqrt(D)": lambda q, k, v: _at(q, k, v, q.shape[1] ** -0.5),
    "when the scores are divided by D, not by its root (as when q and k are each divided by sqrt(D))":
        lambda q, k, v: _at(q, k, v, q.shape[1]),
    "when the scores are divided by the root of the number of keys": lambda q, k, v: _at(q, k, v, len(k) ** 0.5),
    "when the scores are divided by the root of the number of queries": lambda q, k, v: _at(q, k, v, len(q) ** 0.5),
    "when the scores are divided by the root of the values' width": lambda q, k, v: _at(q, k, v, v.shape[1] ** 0.5),
    "with the fixed divisor 8, the root of 64 channels": lambda q, k, v: _at(q, k, v, 8),
    "when the softmax goes over queries, down the columns":
        lambda q, k, v: (q @ k.mT / q.shape[1] ** 0.5).softmax(0) @ v,
    "with one softmax over the whole table":
        lambda q, k, v: (q @ k.mT / q.shape[1] ** 0.5).flatten().softmax(0).view(len(q), -1) @ v,
    "without the softmax, with the scores as weights": lambda q, k, v: q @ k.mT / q.shape[1] ** 0.5 @ v,
    "without softmax and without sqrt(D)": lambda q, k, v: q @ k.mT @ v,
    "without dividing by the row's sum": lambda q, k, v: (q @ k.mT / q.shape[1] ** 0.5).exp() @ v,
    "when sqrt(D) comes after the softmax": lambda q, k, v: (q @ k.mT).softmax(-1) @ v / q.shape[1] ** 0.5,
    "when the output is divided by sqrt(D) a second time":
        lambda q, k, v: _at(q, k, v, q.shape[1] ** 0.5) / q.shape[1] ** 0.5,
    "when each query takes only its best key: a hard lookup": lambda q, k, v: v[(q @ k.mT).argmax(-1)],
    "when the worst match gets the most: the scores have the wrong sign":
        lambda q, k, v: _at(q, k, v, -q.shape[1] ** 0.5),
    "with the cosine of q and k in place of their product":
        lambda q, k, v: _at(_unit(q), _unit(k), v, q.shape[1] ** 0.5),
    "with powers of two in place of e":
        lambda q, k, v: _at(q, k, v, q.shape[1] ** 0.5 / math.log(2)),
    "when negative scores are set to zero before the softmax":
        lambda q, k, v: (q @ k.mT / q.shape[1] ** 0.5).relu().softmax(-1) @ v,
    "when all keys have the same weight for every query": lambda q, k, v: v.mean(0).expand(len(q), -1),
    "with squared scores": lambda q, k, v: ((q @ k.mT).square() / q.shape[1] ** 0.5).softmax(-1) @ v,
}


def asks(a: Attempt) -> Finding | None:
    q, k, v = a.given
    return None if not is_close(a.ask(-q, k, v), a.got, 1e-6) else Finding(
        "the opposite query gives the same output", "The score is q.k: its sign changes with the query.", True)


def scaled(a: Attempt) -> Finding | None:
    """Two keys, one of them zero: the ratio of their weights is exp(score)."""
    for D in (4, 9):
        q, k = torch.full((1, D), 0.5, dtype=torch.float64), torch.zeros(2, D, dtype=torch.float64)
        k[0] = 0.5
        share = a.ask(q, k, torch.tensor([[1.0], [0.0]], dtype=torch.float64)).item()
        wanted = 1 / (1 + math.exp(-D / 4 / math.sqrt(D)))
        if not math.isclose(share, wanted, rel_tol=1e-9):
            due, got = number_pair(wanted, share, ".4f")
            return Finding(f"with {D} channels, q.k = {D / 4:g} against 0 should weigh {due}; yours weighs {got}",
                           f"exp(q.k / sqrt({D})), then divided by the row's sum.", True)
    return None


soft_lookup = Exercise(
    "soft_lookup", "1.1", right, mixed,
    (*ATTENDS, sums_to_one("Each query divides one unit among the keys: the softmax goes over keys, the last axis."),
     asks, scaled, *LAST), WRONG,
    "Every query gets an answer, and every key has a weight.")
