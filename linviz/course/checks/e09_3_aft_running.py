"""Exercise 9.3: find the bug in a causal AFT-simple that divides too early."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import number_pair, row_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

N, D = 6, 4


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Token by token. q, k, v (N, D) -> (N, D)."""
    out = torch.zeros_like(v)
    for i in range(len(v)):
        e = k[:i + 1].exp()
        out[i] = (e * v[:i + 1]).sum(0) / e.sum(0) / (1 + (-q[i]).exp())
    return out


def _mean(e: Tensor, v: Tensor) -> Tensor:
    return (e * v).cumsum(0) / e.cumsum(0)


def _strict(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Only earlier tokens; the first has none, and gives zero."""
    e = k.exp()
    return q.sigmoid() * ((e * v).cumsum(0) - e * v) / (e.cumsum(0) - e + (e.cumsum(0) == e))


WRONG = {
    "when each key is divided by its own running sum, as in the code above":
        lambda q, k, v: q.sigmoid() * (k.exp() / k.exp().cumsum(0) * v).cumsum(0),
    "when nothing is causal: all tokens are seen": lambda q, k, v: q.sigmoid() * (k.softmax(0) * v).sum(0),
    "when the softmax over all tokens is summed up to each token":
        lambda q, k, v: q.sigmoid() * (k.softmax(0) * v).cumsum(0),
    "when the running sum of the values is divided, not that of weights times values":
        lambda q, k, v: q.sigmoid() * k.exp() * v.cumsum(0) / k.exp().cumsum(0),
    "without the gate": lambda q, k, v: _mean(k.exp(), v),
    "when the gate is applied twice": lambda q, k, v: q.sigmoid() ** 2 * _mean(k.exp(), v),
    "when the gate is tanh": lambda q, k, v: q.tanh() * _mean(k.exp(), v),
    "when the gate is relu": lambda q, k, v: q.relu() * _mean(k.exp(), v),
    "when q multiplies without a sigmoid": lambda q, k, v: q * _mean(k.exp(), v),
    "when the sigmoid is inside the sum": lambda q, k, v: _mean(k.exp(), q.sigmoid() * v),
    "when the division is left out": lambda q, k, v: q.sigmoid() * (k.exp() * v).cumsum(0),
    "when it is divided by the number of tokens so far": lambda q, k, v: q.sigmoid() * (k.exp() * v).cumsum(0)
    / torch.arange(1, len(v) + 1).to(v)[:, None],
    "without the exponential": lambda q, k, v: q.sigmoid() * _mean(k, v),
    "with exp(-k)": lambda q, k, v: q.sigmoid() * _mean((-k).exp(), v),
    "when sums run over channels, not over tokens": lambda q, k, v: q.sigmoid() * (k.exp() * v).cumsum(1)
    / k.exp().cumsum(1),
    "when all keys count the same": lambda q, k, v: q.sigmoid() * _mean(torch.ones_like(k), v),
    "when only earlier tokens are seen, not the token itself": _strict,
    "when the sums run backwards, from the last token": lambda q, k, v: q.sigmoid() * _mean(
        k.exp().flip(0), v.flip(0)).flip(0),
    "when weights are averaged over channels": lambda q, k, v: q.sigmoid() * _mean(
        k.mean(1, keepdim=True).exp().expand_as(k), v),
    "when the query is multiplied to the key, as in attention: in AFT the query is a gate only":
        lambda q, k, v: q.sigmoid() * _mean((q * k).exp(), v),
    "when weights that were divided too early are divided by their sum once more":
        lambda q, k, v: q.sigmoid() * _mean(k.exp() / k.exp().cumsum(0), v),
    "when the channels of a key go through a softmax": lambda q, k, v: q.sigmoid() * _mean(k.softmax(-1), v),
}


def triple(seed: int) -> tuple[Tensor, ...]:
    """Queries, keys and values of one size, as AFT needs them."""
    return normal(seed, N, D), normal(seed + 10, N, D), normal(seed + 20, N, D)


def open_gate(a: Attempt) -> Finding | None:
    """Values that are all 1, and a gate of one half: 0.5 everywhere."""
    q, k, v = a.given
    off = row_difference(a.ask(0 * q, k, torch.ones_like(v)), 0.5, 1e-9)
    return None if off is None else Finding(
        f"values that are all 1, with q = 0 (a gate of 0.5), should give 0.5; yours give {off.got} at [{off.place}]",
        "The weights of a query sum to 1. Divide by the query's own sum, at the end.", True)


def causal(a: Attempt) -> Finding | None:
    q, k, v = a.given
    later = v.clone()
    later[-1] += 1
    return None if bool(((a.ask(q, k, later) - a.ask(q, k, v))[:-1] == 0).all()) else Finding(
        "changing the last value changed an earlier output", "Token i sees the tokens up to i: use running sums.", True)


def first_token(a: Attempt) -> Finding | None:
    """The first token sees only itself."""
    q, k, v = a.given
    wanted, got = (q[0].sigmoid() * v[0])[0].item(), a.got[0, 0].item()
    return None if abs(wanted - got) < 1e-9 else Finding(
        "the first token sees only itself, so its output is sigmoid(q) v = {}; yours is {}".format(
            *number_pair(wanted, got)), "Its mean has a single term; the gate multiplies it.", True)


aft_running = Exercise(
    "aft_running", "9.3", right, triple, (*FIRST, open_gate, causal, first_token, *LAST), WRONG,
    "Sum first, divide last: a division inside a running sum cannot be undone.")
