"""Exercise 4.1: dot-product attention, the keys first."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from ..tensor_equality import is_close
from .outputs import ATTENDS
from .samples import mixed
from .work_properties import linear_in_tokens


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Pair by pair. q (N, D), k (S, D), v (S, E) -> (N, E)."""
    out = torch.zeros(len(q), v.shape[1], dtype=v.dtype)
    for i in range(len(q)):
        for j in range(len(k)):
            out[i] += (q[i] * k[j]).sum() / len(k) * v[j]
    return out


def _by(q: Tensor, k: Tensor, v: Tensor, divisor: float) -> Tensor:
    return q @ (k.mT @ v) / divisor


WRONG = {
    "without dividing by the number of keys": lambda q, k, v: _by(q, k, v, 1),
    "when it is divided by the number of queries instead of keys": lambda q, k, v: _by(q, k, v, len(q)),
    "when it is divided by the number of channels": lambda q, k, v: _by(q, k, v, q.shape[1]),
    "when it is divided by the square root of the number of channels": lambda q, k, v: _by(q, k, v, q.shape[1] ** 0.5),
    "when it is divided by the square root of the number of keys": lambda q, k, v: _by(q, k, v, len(k) ** 0.5),
    "when it is divided by the width of the values": lambda q, k, v: _by(q, k, v, v.shape[1]),
    "when it is divided by the number of keys twice": lambda q, k, v: _by(q, k, v, len(k) ** 2),
    "when it is multiplied by the number of keys": lambda q, k, v: _by(q, k, v, 1 / len(k)),
    "when every row is divided by its own sum": lambda q, k, v: q @ (k.mT @ v) / (q @ k.sum(0))[:, None],
    "with a softmax of the scores": lambda q, k, v: (q @ k.mT).softmax(-1) @ v,
    "with a softmax of the scores over sqrt(D)": lambda q, k, v: (q @ k.mT / q.shape[1] ** 0.5).softmax(-1) @ v,
    "when negative scores are set to zero": lambda q, k, v: (q @ k.mT).relu() @ v / len(k),
    "when keys and values are added, not multiplied":
        lambda q, k, v: q @ (k[:, :, None] + v[:, None, :]).mean(0),
    "when keys are divided by values": lambda q, k, v: q @ (k[:, :, None] / v[:, None, :]).mean(0),
    "when the number of keys is divided by the bracket": lambda q, k, v: q @ (len(k) / (k.mT @ v)),
    "when keys and values are averaged separately": lambda q, k, v: (q @ k.mean(0))[:, None] * v.mean(0),
    "with the wrong sign": lambda q, k, v: -_by(q, k, v, len(k)),
}


def every_key_counts(a: Attempt) -> Finding | None:
    q, k, v = a.given
    if not is_close(a.ask(q, k, torch.cat((v[:-1], 2 * v[-1:]))), a.got, 1e-6):
        return None
    return Finding("the last key's value has no effect on your output", "The sum goes over all keys.", True)


def linear_in_q(a: Attempt) -> Finding | None:
    q, k, v = a.given
    off = first_difference(a.ask(2 * q, k, v), 2 * a.got, 1e-6)
    return None if off is None else Finding(
        f"twice the query should give twice the output, {off.wanted} at [{off.place}]; yours gives {off.got}",
        "Here a weight is the plain product q.k, without a softmax and without a row sum.",
        True)


def the_mean(a: Attempt) -> Finding | None:
    q, k, v = a.given
    off = first_difference(a.ask(q, torch.cat((k, k)), torch.cat((v, v))), a.got, 1e-6)
    return None if off is None else Finding(
        f"repeating every key should change nothing; yours goes from {off.wanted} to {off.got}",
        "The sum over keys is divided by the number of keys.", True)


keys_first = Exercise(
    "keys_first", "4.1", right, mixed,
    (*ATTENDS, every_key_counts, linear_in_q, the_mean, *LAST,
     linear_in_tokens(lambda n: mixed(0, n, n), "Put the bracket around k transposed and v: it is D x E for every N.")),
    WRONG, "Twice the tokens need twice the work, because no N x N table is made.")
