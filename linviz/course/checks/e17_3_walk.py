"""Exercise 17.3: a row of the map as a walk of the query into the past."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal, ratio

N, D = 7, 5  # tokens, channels


def right(q: Tensor, k: Tensor, decay: Tensor, beta: Tensor) -> Tensor:
    """By the memory itself, with one-hot values. q (D,), k (N, D), decay (N,), beta (N,) -> (N,)."""
    S = torch.zeros(k.shape[1], len(k), dtype=k.dtype)
    for i in range(len(k)):
        S = decay[i] * S
        value = torch.zeros(len(k), dtype=k.dtype)
        value[i] = 1
        S = S + beta[i] * torch.outer(k[i], value - k[i] @ S)
    return q @ S


def _steps(q: Tensor, k: Tensor, decay: Tensor, beta: Tensor, *, erase: bool = True, fade: str = "after",
           weigh: bool = True, take: str = "walker", remove: str = "part", forwards: bool = False) -> Tensor:
    """The walk with one thing done differently."""
    w, row = q.clone(), torch.zeros(len(k), dtype=k.dtype)
    for j in range(len(k)) if forwards else reversed(range(len(k))):
        if fade == "before":
            w = decay[j] * w
        part = (beta[j] if weigh else 1.0) * ((q if take == "query" else w) @ k[j])
        row[j] = part
        gone = {"part": part, "match": w @ k[j], "added": -part, "key": torch.ones_like(part), "twice": beta[j] * part,
                "faded": decay[j] * part}[remove]
        w = w - gone * k[j] if erase else w
        if fade == "after":
            w = decay[j] * w
    return row


def _shifted(q: Tensor, k: Tensor, decay: Tensor, beta: Tensor) -> Tensor:
    return _steps(q, k, torch.cat((decay[:1], decay[:-1])), beta)


def _turned(q: Tensor, k: Tensor, decay: Tensor, beta: Tensor) -> Tensor:
    signs = (-1.0) ** torch.arange(len(k) - 1, -1, -1, dtype=k.dtype)
    return signs * _steps(q, k, decay, beta)


WRONG: dict[str, Answer] = {
    "when nothing is taken off the query: a memory that fades and never erases": lambda *x: _steps(*x, erase=False),
    "when the query does not fade": lambda *x: _steps(*x, fade="never"),
    "when the query fades before a token takes its part": lambda *x: _steps(*x, fade="before"),
    "when beta is forgotten": lambda *x: _steps(*x, weigh=False),
    "when every token answers the whole query, not what is left of it": lambda *x: _steps(*x, take="query"),
    "when a token removes all that it matches, not the part it answered": lambda *x: _steps(*x, remove="match"),
    "when a token adds to the query what it should take off": lambda *x: _steps(*x, remove="added"),
    "when the walk goes from the oldest token to the newest": lambda *x: _steps(*x, forwards=True),
    "when the decay of the token before is used": _shifted,
    "when the row is returned in the order of the walk, newest first": lambda *x: _steps(*x).flip(0),
    "when only the products of query and keys are returned": lambda q, k, decay, beta: k @ q,
    "when decay and beta are exchanged": lambda q, k, decay, beta: _steps(q, k, beta, decay),
    "when a token removes its whole key, and not its part of it": lambda *x: _steps(*x, remove="key"),
    "when beta weighs a second time what a token removes": lambda *x: _steps(*x, remove="twice"),
    "when only what a token removes fades, and not the rest of the query":
        lambda *x: _steps(*x, remove="faded", fade="never"),
    "when the oldest token is never visited": lambda q, k, g, b: torch.cat((0 * b[:1], _steps(q, k, g, b)[1:])),
    "when the factor that was to be left out, D to the power -1/2, is still there":
        lambda q, k, g, b: _steps(q, k, g, b) / len(q) ** 0.5,
    "when the sign of the query turns at every step": lambda *x: _turned(*x),
}


def past(seed: int) -> tuple[Any, ...]:
    """A query, unit keys, decays and betas."""
    k = normal(seed, N, D)
    return normal(seed + 10, D), k / k.norm(dim=-1, keepdim=True), ratio(seed + 20, N), ratio(seed + 30, N)


def newest_first(a: Attempt) -> Finding | None:
    """The newest token answers the query before anything has been taken off or faded."""
    q, k, _, beta = a.given
    wanted = beta[-1] * (q @ k[-1])
    off = first_difference(a.got[-1:], wanted[None], 1e-6)
    return None if off is None else Finding(
        f"the newest token should get beta times q.k, {off.wanted}; yours gets {off.got}",
        "Start with w = q at the newest token, the last row of k. Take first, fade afterwards.", True)


def overwritten(a: Attempt) -> Finding | None:
    """The same key twice, with beta 1: the older one gets nothing."""
    k = torch.eye(D, dtype=torch.float64)[[0, 0]]
    one = torch.ones(2, dtype=torch.float64)
    got = a.ask(k[0], k, one, one)
    off = first_difference(got, torch.tensor([0.0, 1.0], dtype=torch.float64), 1e-6)
    return None if off is None else Finding(
        f"two equal keys, beta 1: the row should be 0, 1; yours has {off.got} at [{off.place}]",
        "Take off what the newer token has answered: w = w - part * k[j].", True)


walk = Exercise(
    "walk", "17.3", right, past, (*FIRST, newest_first, overwritten, *LAST), WRONG,
    "No table, no memory matrix: D numbers walk into the past.")
