"""Exercise 4.3: linear attention with elu + 1 and two moved brackets."""
from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import elu, softplus

from ...mechanisms.linear import elu_plus_one as _plus
from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from .outputs import ATTENDS, sums_to_one
from .pairs import EPS, attend, dot, mix_pairs
from .samples import mixed
from .work_properties import linear_in_tokens


def _phi(x: Tensor) -> Tensor:
    return torch.tensor([[c + 1 if c > 0 else math.exp(c) for c in row] for row in x.tolist()], dtype=x.dtype)


def right(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Pair by pair. q (N, D), k (S, D), v (S, E) -> (N, E)."""
    return mix_pairs(dot, _phi(q), _phi(k), v, eps=EPS)


WRONG = {
    "without the + 1": lambda q, k, v: attend(elu(q), elu(k), v),
    "with relu in place of elu + 1": lambda q, k, v: attend(q.relu(), k.relu(), v),
    "with relu + 1 in place of elu + 1": lambda q, k, v: attend(q.relu() + 1, k.relu() + 1, v),
    "with exp in place of elu + 1": lambda q, k, v: attend(q.exp(), k.exp(), v),
    "with softplus in place of elu + 1": lambda q, k, v: attend(softplus(q), softplus(k), v),
    "with relu and a floor, another kernel":
        lambda q, k, v: attend(q.relu() + q.shape[1] ** -0.5, k.relu() + k.shape[1] ** -0.5, v),
    "when only the queries get features": lambda q, k, v: attend(_plus(q), k, v),
    "when only the keys get features": lambda q, k, v: attend(q, _plus(k), v),
    "without features": lambda q, k, v: attend(q, k, v),
    "without dividing by the row sum": lambda q, k, v: _plus(q) @ (_plus(k).mT @ v),
    "when it is divided by the number of keys": lambda q, k, v: _plus(q) @ (_plus(k).mT @ v) / len(k),
    "when it is divided by the sum of all weights, not of each row":
        lambda q, k, v: _plus(q) @ (_plus(k).mT @ v) / ((_plus(q) @ _plus(k).sum(0)).sum() + EPS),
    "when the row sum goes over the channels of the query, not over the keys":
        lambda q, k, v: _plus(q) @ (_plus(k).mT @ v) / (_plus(q).sum(-1, keepdim=True) + EPS),
    "when the row sum is made from keys without features":
        lambda q, k, v: _plus(q) @ (_plus(k).mT @ v) / (_plus(q) @ k.sum(0)[:, None] + EPS),
    "when the row sum is made from queries without features":
        lambda q, k, v: _plus(q) @ (_plus(k).mT @ v) / (q @ _plus(k).sum(0)[:, None] + EPS),
    "when it is multiplied by the row sum instead of divided":
        lambda q, k, v: _plus(q) @ (_plus(k).mT @ v) * (_plus(q) @ _plus(k).sum(0)[:, None] + EPS),
    "when the eps is left out": lambda q, k, v: attend(_plus(q), _plus(k), v, 0.0),
    "when the eps is subtracted instead of added": lambda q, k, v: attend(_plus(q), _plus(k), v, -EPS),
    "when queries and keys are divided by sqrt(D) first":
        lambda q, k, v: attend(_plus(q / q.shape[1] ** 0.5), _plus(k / k.shape[1] ** 0.5), v),
    "when the values get features, too": lambda q, k, v: attend(_plus(q), _plus(k), _plus(v)),
    "with a softmax over the products of features": lambda q, k, v: (_plus(q) @ _plus(k).mT).softmax(-1) @ v,
    "with ordinary softmax attention": lambda q, k, v: (q @ k.mT / q.shape[1] ** 0.5).softmax(-1) @ v,
    "when the keys are averaged instead of summed in the row sum":
        lambda q, k, v: _plus(q) @ (_plus(k).mT @ v) / (_plus(q) @ _plus(k).mean(0)[:, None] + EPS),
}


def positive(a: Attempt) -> Finding | None:
    """Two keys, one very negative: its weight is small and above zero."""
    q, k, v = (x[:2].abs() for x in a.given)
    k, v = torch.stack((k[0], -5 - k[1])), torch.stack((torch.zeros_like(v[0]), torch.ones_like(v[1])))
    got, wanted = (f(q, k, v)[0, 0].item() for f in (a.ask, right))
    return None if math.isclose(got, wanted, rel_tol=1e-6) else Finding(
        f"a key of negative numbers should have a small weight, {wanted:.3g}; yours gives {got:.3g}",
        "phi(x) = elu(x) + 1: this is exp(x) below zero and x + 1 above.", True)


def the_eps(a: Attempt) -> Finding | None:
    q, k, v = a.given
    got, wanted = (f(-6 - q.abs(), -6 - k.abs(), torch.ones_like(v))[0, 0].item() for f in (a.ask, right))
    return None if math.isclose(got, wanted, rel_tol=1e-6) else Finding(
        f"with tiny features the eps makes weights sum to {wanted:.4f}; yours to {got:.4f}",
        "Divide by the row sum + 1e-6, as the official code does.", True)


linear_attention = Exercise(
    "linear_attention", "4.3", right, mixed,
    (*ATTENDS, sums_to_one("Divide by phi(q) times the sum of phi(k) over the keys.", within=1e-4),
     positive, the_eps, *LAST,
     linear_in_tokens(lambda n: mixed(0, n, n), "Compute both brackets before you use the queries.")),
    WRONG, "Weights are positive, rows sum to one, and no table is made.")
