"""Exercise 4.2: efficient attention, with one softmax for queries and one for keys."""
from __future__ import annotations

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from ..tensor_equality import is_close
from .outputs import ATTENDS, sums_to_one
from .samples import mixed
from .work_properties import linear_in_tokens


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Template by template. q (N, D), k (S, D), v (S, E) -> (N, E)."""
    out = torch.zeros(len(q), v.shape[1], dtype=v.dtype)
    for d in range(k.shape[1]):
        template = k[:, d].exp() / k[:, d].exp().sum()
        context = (template[:, None] * v).sum(0)
        for i in range(len(q)):
            out[i] += q[i, d].exp() / q[i].exp().sum() * context
    return out


def _mix(choice: Tensor, templates: Tensor, v: Tensor) -> Tensor:
    return choice @ (templates.mT @ v)


WRONG = {
    "when both softmaxes go over channels": lambda q, k, v: _mix(q.softmax(-1), k.softmax(-1), v),
    "when both softmaxes go over positions": lambda q, k, v: _mix(q.softmax(0), k.softmax(0), v),
    "when the two axes are exchanged": lambda q, k, v: _mix(q.softmax(0), k.softmax(-1), v),
    "without the softmax of the queries": lambda q, k, v: _mix(q, k.softmax(0), v),
    "without the softmax of the keys": lambda q, k, v: _mix(q.softmax(-1), k, v),
    "without any softmax": lambda q, k, v: _mix(q, k, v),
    "with ordinary softmax attention": lambda q, k, v: (q @ k.mT).softmax(-1) @ v,
    "with ordinary softmax attention and its 1/sqrt(D)":
        lambda q, k, v: (q @ k.mT / q.shape[1] ** 0.5).softmax(-1) @ v,
    "when queries and keys are divided by sqrt(D) before their softmaxes":
        lambda q, k, v: _mix((q / q.shape[1] ** 0.5).softmax(-1), (k / k.shape[1] ** 0.5).softmax(0), v),
    "when only the queries are divided by sqrt(D)":
        lambda q, k, v: _mix((q / q.shape[1] ** 0.5).softmax(-1), k.softmax(0), v),
    "when queries and keys are divided by D ** 0.25, as in one implementation for pictures":
        lambda q, k, v: _mix((q / q.shape[1] ** 0.25).softmax(-1), (k / k.shape[1] ** 0.25).softmax(0), v),
    "when the queries are divided by sqrt(D) after their softmax":
        lambda q, k, v: _mix(q.softmax(-1), k.softmax(0), v) / q.shape[1] ** 0.5,
    "when exp(k) is not divided by its sum over positions": lambda q, k, v: _mix(q.softmax(-1), k.exp(), v),
    "when exp(q) is not divided by its sum over channels": lambda q, k, v: _mix(q.exp(), k.softmax(0), v),
    "when the result is divided by the number of keys as well":
        lambda q, k, v: _mix(q.softmax(-1), k.softmax(0), v) / len(k),
    "when the result is divided by the number of channels as well":
        lambda q, k, v: _mix(q.softmax(-1), k.softmax(0), v) / k.shape[1],
    "with one softmax over the whole table of keys":
        lambda q, k, v: _mix(q.softmax(-1), k.flatten().softmax(0).reshape(k.shape), v),
    "when every query takes only its largest template":
        lambda q, k, v: (k.softmax(0).mT @ v)[q.argmax(-1)],
    "when all templates have the same weight for every query":
        lambda q, k, v: _mix(torch.full_like(q, 1 / q.shape[1]), k.softmax(0), v),
    "with exp(-q) in place of exp(q)":
        lambda q, k, v: _mix((-q).softmax(-1), k.softmax(0), v),
    "with exp(-k) in place of exp(k)": lambda q, k, v: _mix(q.softmax(-1), (-k).softmax(0), v),
}


def over_channels(a: Attempt) -> Finding | None:
    q, k, v = a.given
    moved = q + torch.linspace(-1, 1, len(q), dtype=q.dtype)[:, None]
    return None if is_close(a.ask(moved, k, v), a.got, 1e-6) else Finding(
        "adding the same number to all channels of a query should change nothing; yours changes",
        "The queries' softmax goes over channels: each query divides one unit among the templates.", True)


def over_positions(a: Attempt) -> Finding | None:
    q, k, v = a.given
    moved = k + torch.linspace(-1, 1, k.shape[1], dtype=k.dtype)
    return None if is_close(a.ask(q, moved, v), a.got, 1e-6) else Finding(
        "adding the same number to one channel of all keys should change nothing; yours changes",
        "The keys' softmax goes over positions: each channel becomes a template.", True)


def asks(a: Attempt) -> Finding | None:
    q, k, v = a.given
    return None if not is_close(a.ask(q.flip(-1), k, v), a.got, 1e-6) else Finding(
        "another query gives the same output", "A query decides the weight of each template.", True)


two_softmaxes = Exercise(
    "two_softmaxes", "4.2", right, mixed,
    (*ATTENDS, asks, over_channels, over_positions,
     sums_to_one("Each template sums to one over positions, and each query's weights over templates: you need no "
                 "divisor."), *LAST,
     linear_in_tokens(lambda n: mixed(0, n, n), "First multiply the transposed templates with v: D x E.")),
    WRONG, "Rows sum to one without a division by row sums.")
