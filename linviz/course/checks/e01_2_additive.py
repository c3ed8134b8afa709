"""Exercise 1.2: additive attention, a small network for every pair."""
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
from .samples import M, mixed, normal


def right(q: Tensor, k: Tensor, v: Tensor, w: Tensor) -> Tensor:
    """Pair by pair. q (N, D), k (S, D), v (S, E), w (D) -> (N, E)."""
    def weigh(query: Tensor, key: Tensor) -> float:
        return math.exp(sum(w[d].item() * math.tanh((query[d] + key[d]).item()) for d in range(len(w))))
    return mix_pairs(weigh, q, k, v)


def _sums(q: Tensor, k: Tensor) -> Tensor:
    return q[:, None] + k


def _mix(scores: Tensor, v: Tensor) -> Tensor:
    return scores.softmax(-1) @ v


WRONG = {
    "without the tanh: then all queries have the same row": lambda q, k, v, w: _mix(_sums(q, k) @ w, v),
    "when the tanh comes after the sum over channels": lambda q, k, v, w: _mix((_sums(q, k) @ w).tanh(), v),
    "when w is multiplied in before the tanh": lambda q, k, v, w: _mix((_sums(q, k) * w).tanh().sum(-1), v),
    "without w": lambda q, k, v, w: _mix(_sums(q, k).tanh().sum(-1), v),
    "with the mean over channels in place of w": lambda q, k, v, w: _mix(_sums(q, k).tanh().mean(-1), v),
    "when k is subtracted instead of added": lambda q, k, v, w: _mix((q[:, None] - k).tanh() @ w, v),
    "when q is subtracted instead of added": lambda q, k, v, w: _mix((k - q[:, None]).tanh() @ w, v),
    "when q and k are multiplied instead of added": lambda q, k, v, w: _mix((q[:, None] * k).tanh() @ w, v),
    "when q is divided by k": lambda q, k, v, w: _mix((q[:, None] / k).tanh() @ w, v),
    "when the tanh is applied to q and k separately": lambda q, k, v, w: _mix((q.tanh()[:, None] + k.tanh()) @ w, v),
    "with relu in place of tanh": lambda q, k, v, w: _mix(_sums(q, k).relu() @ w, v),
    "with sigmoid in place of tanh": lambda q, k, v, w: _mix(_sums(q, k).sigmoid() @ w, v),
    "when the scores are divided by sqrt(D): additive attention has no scale":
        lambda q, k, v, w: _mix(_sums(q, k).tanh() @ w / len(w) ** 0.5, v),
    "when the softmax goes over queries, down the columns":
        lambda q, k, v, w: (_sums(q, k).tanh() @ w).softmax(0) @ v,
    "without the softmax": lambda q, k, v, w: _sums(q, k).tanh() @ w @ v,
    "without dividing by the row's sum": lambda q, k, v, w: (_sums(q, k).tanh() @ w).exp() @ v,
    "with dot products": lambda q, k, v, w: _mix(q @ k.mT, v),
    "with dot products over sqrt(D)": lambda q, k, v, w: _mix(q @ k.mT / len(w) ** 0.5, v),
    "when the keys are left out": lambda q, k, v, w: _mix((q[:, None] + 0 * k).tanh() @ w, v),
    "when the scores have the wrong sign": lambda q, k, v, w: _mix(-_sums(q, k).tanh() @ w, v),
    "when each query takes only its best key": lambda q, k, v, w: v[(_sums(q, k).tanh() @ w).argmax(-1)],
}


def compared(seed: int) -> tuple[Tensor, ...]:
    """Inputs: queries, keys, values, and the weights w of the channels."""
    return *mixed(seed), normal(seed + 30, M)


def every_query_its_own(a: Attempt) -> Finding | None:
    return None if not is_close(a.got[:1].expand_as(a.got), a.got, 1e-6) else Finding(
        "every query gets the same output", "w.q_i is the same for every key and cancels in the softmax: put tanh "
        "between the sum and w.", True)


def together(a: Attempt) -> Finding | None:
    """Only q + k matters: adding a vector to all q and subtracting it from all k changes nothing."""
    q, k, v, w = a.given
    some = normal(99, M)
    return None if is_close(a.ask(q + some, k - some, v, w), a.got, 1e-6) else Finding(
        "moving a vector from all keys to all queries should change nothing; yours changes",
        "The network sees only the sum q_i + k_j.", True)


def bounded(a: Attempt) -> Finding | None:
    """Scores are bounded by sum |w|: with one channel and huge inputs two keys have the scores w and -w."""
    q, k = torch.zeros(1, 1, dtype=torch.float64), torch.tensor([[50.0], [-50.0]], dtype=torch.float64)
    v, w = torch.tensor([[1.0], [0.0]], dtype=torch.float64), torch.tensor([0.75], dtype=torch.float64)
    got, wanted = a.ask(q, k, v, w).item(), 1 / (1 + math.exp(-1.5))
    due, yours = number_pair(wanted, got, ".4f")
    return None if math.isclose(got, wanted, rel_tol=1e-9) else Finding(
        f"one channel, w = 0.75, keys at 50 and -50: the first should weigh {due}; yours weighs {yours}",
        "The tanh of the sum lies between -1 and 1. Multiply it by w, then take exp.", True)


additive = Exercise(
    "additive", "1.2", right, compared,
    (*ATTENDS, sums_to_one("A softmax over keys, the last axis of the scores."),
     every_query_its_own, together, bounded, *LAST), WRONG,
    "This is how a translation network first looked back at its sentence.")
