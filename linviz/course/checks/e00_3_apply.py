"""Exercise 0.3: o = A v."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import E, N, S, normal


def right(A: Tensor, v: Tensor) -> Tensor:
    """Query by query, key by key. A (N, S), v (S, E) -> (N, E)."""
    out = torch.zeros(len(A), v.shape[1], dtype=v.dtype)
    for i, row in enumerate(A):
        for weight, value in zip(row, v, strict=True):
            out[i] += weight * value
    return out


WRONG = {
    "when every query takes only the value of its favourite key": lambda A, v: v[A.argmax(-1)],
    "when all keys have the same weight, which gives the mean of the values": lambda A, v: v.mean(0).expand(len(A), -1),
    "when the values are added up without their weights": lambda A, v: v.sum(0).expand(len(A), -1),
    "when it is divided by the number of keys, as in a plain mean": lambda A, v: A @ v / A.shape[1],
    "when it is divided by the number of queries": lambda A, v: A @ v / A.shape[0],
    "when the columns are divided by their sums first": lambda A, v: A / A.sum(0) @ v,
    "when a second softmax is applied to the weights": lambda A, v: A.softmax(-1) @ v,
    "when the weights are squared": lambda A, v: A.square() @ v,
    "when rows and columns of the output are exchanged": lambda A, v: (A @ v).mT,
    "when the last key is left out": lambda A, v: A[:, :-1] @ v[:-1],
    "when the first key is left out": lambda A, v: A[:, 1:] @ v[1:],
    "when the keys are in the wrong order": lambda A, v: A.flip(1) @ v,
    "when the queries come back in the wrong order": lambda A, v: (A @ v).flip(0),
    "when the largest of the weighted values is taken, not their sum": lambda A, v: (A[..., None] * v).amax(1),
    "when the weighted values are not summed over the keys": lambda A, v: A[..., None] * v,
    "when the mean over all queries comes back": lambda A, v: (A @ v).mean(0).expand(len(A), -1),
    "when only the first number of each value is mixed": lambda A, v: A @ v[:, :1],
    "when negative values are set to zero": lambda A, v: A @ v.relu(),
}


def values_of(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs: a map whose rows sum to one, and values."""
    return (1.5 * normal(seed, N, S)).softmax(-1), normal(seed + 10, S, E)


def the_same_for_all(a: Attempt) -> Finding | None:
    A, v = a.given
    got, wanted = a.ask(A, v[:1].expand_as(v).contiguous()), v[:1].expand(N, E)
    off = first_difference(got, wanted, form=".2f")
    return None if off is None else Finding(
        f"where all keys have the same value, {off.wanted}, any mixture of them is {off.wanted}, too; yours {off.got}",
        "The weights are row i of A, and they sum to one.", True)


def one_key(a: Attempt) -> Finding | None:
    A, v = torch.eye(S, dtype=torch.float64).roll(1, 0)[:N], a.given[1]
    got, wanted = a.ask(A, v), v.roll(1, 0)[:N]
    off = first_difference(got, wanted, form=".2f")
    return None if off is None else Finding(
        f"every query looks at one key alone, query 0 at key {S - 1}, and gets its value: at [{off.place}] "
        f"{off.wanted}; yours {off.got}", "Row i of the map, times the table of values.", True)


def shared_out(a: Attempt) -> Finding | None:
    A, v = torch.full((N, S), 1 / S, dtype=torch.float64), a.given[1]
    got, wanted = a.ask(A, v), v.mean(0).expand(N, E)
    off = first_difference(got, wanted, form=".3f")
    return None if off is None else Finding(
        f"a uniform map gives the mean of all values, {off.wanted} at [{off.place}]; yours {off.got}",
        "Every key counts, with its weight.", True)


apply = Exercise(
    "apply", "0.3", right, values_of, (*FIRST, the_same_for_all, one_key, shared_out, *LAST), WRONG,
    "This is all that attention does with its map.")
