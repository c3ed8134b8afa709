"""Exercise 6.3: agent attention, where a few agents stand between queries and keys."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention as attend

from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from ..tensor_equality import is_close
from .outputs import ATTENDS, sums_to_one
from .samples import mixed, normal
from .work_properties import linear_in_tokens

M = 4  # agents


def right(q: Tensor, k: Tensor, v: Tensor, a: Tensor) -> Tensor:
    """Agent by agent. q (N, D), k (S, D), v (S, E), a (M, D) -> (N, E)."""
    found = []
    for agent in a:
        w = torch.stack([((agent * key).sum() / k.shape[1] ** 0.5).exp() for key in k])
        found.append((w[:, None] * v).sum(0) / w.sum())
    out = torch.zeros(len(q), v.shape[1], dtype=v.dtype)
    for i, query in enumerate(q):
        u = torch.stack([((query * agent).sum() / k.shape[1] ** 0.5).exp() for agent in a])
        out[i] = sum(x * y for x, y in zip(u / u.sum(), found, strict=True))
    return out


def _by(choose: Callable[[Tensor], Tensor] = lambda s: s.softmax(-1),
        ask: Callable[[Tensor], Tensor] = lambda s: s.softmax(-1)) -> Callable[..., Tensor]:
    """Agent attention with other functions of the two tables of scores, N x M and M x S."""
    def answer(q: Tensor, k: Tensor, v: Tensor, a: Tensor) -> Tensor:
        root = q.shape[1] ** 0.5
        return choose(q @ a.mT / root) @ (ask(a @ k.mT / root) @ v)
    return answer


def _root(s: Tensor) -> float:
    return float(mixed(0)[0].shape[1]) ** 0.5


WRONG = {
    "when the softmax of the queries goes over queries, not over agents": _by(choose=lambda s: s.softmax(0)),
    "when the softmax of the agents goes over agents, not over keys": _by(ask=lambda s: s.softmax(0)),
    "when both softmaxes go along the wrong axis": _by(lambda s: s.softmax(0), lambda s: s.softmax(0)),
    "without the softmax of the queries": _by(choose=lambda s: s),
    "without the softmax of the agents": _by(ask=lambda s: s),
    "without any softmax": _by(lambda s: s, lambda s: s),
    "without 1/sqrt(D) in both softmaxes":
        _by(lambda s: (s * _root(s)).softmax(-1), lambda s: (s * _root(s)).softmax(-1)),
    "without 1/sqrt(D) in the softmax of the queries": _by(choose=lambda s: (s * _root(s)).softmax(-1)),
    "without 1/sqrt(D) in the softmax of the agents": _by(ask=lambda s: (s * _root(s)).softmax(-1)),
    "when every query listens to all agents alike": _by(choose=lambda s: torch.full_like(s, 1 / s.shape[1])),
    "when every query listens to one agent only": _by(choose=lambda s: torch.eye(s.shape[1]).to(s)[s.argmax(-1)]),
    "when every agent finds the mean of all values": _by(ask=lambda s: torch.full_like(s, 1 / s.shape[1])),
    "when every agent finds one value only": _by(ask=lambda s: torch.eye(s.shape[1]).to(s)[s.argmax(-1)]),
    "when exp takes the place of the first softmax, without a sum": _by(choose=lambda s: s.exp()),
    "when exp takes the place of the second softmax, without a sum": _by(ask=lambda s: s.exp()),
    "when one softmax stands behind the product of both tables":
        lambda q, k, v, a: (q @ a.mT @ a @ k.mT / q.shape[1]).softmax(-1) @ v,
    "with ordinary softmax attention, without agents":
        lambda q, k, v, a: (q @ k.mT / q.shape[1] ** 0.5).softmax(-1) @ v,
    "when the query has a sign too many": _by(choose=lambda s: (-s).softmax(-1)),
    "when the agents have a sign too many": _by(ask=lambda s: (-s).softmax(-1)),
    "when sqrt(M) divides the scores, not sqrt(D)": _by(
        lambda s: (s * _root(s) / M ** 0.5).softmax(-1), lambda s: (s * _root(s) / M ** 0.5).softmax(-1)),
    "when the agents collect keys, too, and the queries ask these keys":
        lambda q, k, v, a: attend(q, attend(a, k, k), attend(a, k, v)),
}


def with_agents(seed: int, tokens: int = 0) -> tuple[Any, ...]:
    """Queries, keys, values and agents; as many queries as keys if `tokens` are given."""
    sizes = (tokens, tokens) if tokens else ()
    return *mixed(seed, *sizes), normal(seed + 30, M, mixed(0)[0].shape[1])


def listens(a: Attempt) -> Finding | None:
    q, k, v, agents = a.given
    return None if not is_close(a.ask(q.flip(-1), k, v, agents), a.got, 1e-6) else Finding(
        "another query gives the same output", "A query decides how much it listens to each agent.", True)


def between(a: Attempt) -> Finding | None:
    q, k, v, agents = a.given
    got = a.ask(q, k, v, agents[:1].expand_as(agents))
    rows = (got - got[:1]).abs().max()
    return None if rows < 1e-9 else Finding(
        "if all agents are alike, all queries get the same output; yours differ",
        "A query sees the keys only through the agents.", True)


agents = Exercise(
    "agents", "6.3", right, with_agents,
    (*ATTENDS, listens, between,
     sums_to_one("Each agent mixes the values, and each query mixes the agents: both softmaxes sum to one."), *LAST,
     linear_in_tokens(lambda n: with_agents(0, n), "First let the agents collect: M x E numbers.")),
    WRONG, "Two softmaxes, and no table of pairs.")
