"""Exercise 13.2: r = sigmoid(W [phi(q); phi(k); v] + b)."""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import E, M, N, normal, phi


def right(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Token by token. phi_q, phi_k (N, M), v (N, E), W (M, 2M + E), b (M) -> (N, M)."""
    rows = []
    for seen in torch.cat((phi_q, phi_k, v), -1).tolist():
        z = [sum(w * x for w, x in zip(W[m].tolist(), seen, strict=True)) + b[m].item() for m in range(len(b))]
        rows.append([1 / (1 + math.exp(-x)) for x in z])
    return torch.tensor(rows, dtype=phi_q.dtype)


def _z(*seen: Tensor, W: Tensor, b: Tensor) -> Tensor:
    return torch.cat(seen, -1) @ W.mT + b


WRONG = {
    "without the sigmoid": lambda p, k, v, W, b: _z(p, k, v, W=W, b=b),
    "without the bias b": lambda p, k, v, W, b: _z(p, k, v, W=W, b=0 * b).sigmoid(),
    "when b is subtracted instead of added": lambda p, k, v, W, b: _z(p, k, v, W=W, b=-b).sigmoid(),
    "when the keys come before the queries in the input of the gate":
        lambda p, k, v, W, b: _z(k, p, v, W=W, b=b).sigmoid(),
    "when the values come first in the input of the gate": lambda p, k, v, W, b: _z(v, p, k, W=W, b=b).sigmoid(),
    "when the values come between queries and keys": lambda p, k, v, W, b: _z(p, v, k, W=W, b=b).sigmoid(),
    "when the gate reads the queries twice and the keys not at all":
        lambda p, k, v, W, b: _z(p, p, v, W=W, b=b).sigmoid(),
    "when the gate does not read the values": lambda p, k, v, W, b: _z(p, k, 0 * v, W=W, b=b).sigmoid(),
    "when the values go through a relu first": lambda p, k, v, W, b: _z(p, k, v.relu(), W=W, b=b).sigmoid(),
    "with tanh in place of the sigmoid": lambda p, k, v, W, b: _z(p, k, v, W=W, b=b).tanh(),
    "with exp in place of the sigmoid": lambda p, k, v, W, b: _z(p, k, v, W=W, b=b).exp(),
    "with a softmax over the channels, not a sigmoid": lambda p, k, v, W, b: _z(p, k, v, W=W, b=b).softmax(-1),
    "with a softmax over the tokens, not a sigmoid": lambda p, k, v, W, b: _z(p, k, v, W=W, b=b).softmax(0),
    "when the sigmoid is applied twice": lambda p, k, v, W, b: _z(p, k, v, W=W, b=b).sigmoid().sigmoid(),
    "when z has the wrong sign": lambda p, k, v, W, b: (-_z(p, k, v, W=W, b=b)).sigmoid(),
    "when the gated features r * phi(q) come back, not r": lambda p, k, v, W, b: p * _z(p, k, v, W=W, b=b).sigmoid(),
}


def seen(seed: int) -> tuple[Tensor, ...]:
    """Inputs: features of queries and keys, values, one linear layer."""
    return (phi(seed, N, M), phi(seed + 10, N, M), normal(seed + 20, N, E),
            0.3 * normal(seed + 30, M, 2 * M + E), 0.5 * normal(seed + 40, M))


def between(a: Attempt) -> Finding | None:
    low, high = a.got.min().item(), a.got.max().item()
    return None if 0 < low and high < 1 else Finding(
        f"a fixation ratio lies between 0 and 1; yours range from {low:.2f} to {high:.2f}",
        "Is the sigmoid missing?", True)


def the_bias(a: Attempt) -> Finding | None:
    *tokens, W, b = a.given
    for given, name in ((0 * b, "b = 0"), (b, "b as it is")):
        got, wanted = a.ask(*tokens, 0 * W, given), given.sigmoid().expand(N, M)
        if off := first_difference(got, wanted, form=".3f"):
            first = f"the ratio at [{off.place}] should be {off.wanted}; yours is {off.got}"
            return Finding(f"with W = 0 and {name} {first}", "Only sigmoid(b) is left, the same for all tokens.", True)
    return None


def alone(a: Attempt) -> Finding | None:
    *tokens, W, b = a.given
    moved = [x.index_add(0, torch.tensor([3]), torch.ones_like(x[:1])) for x in tokens]
    others = [i for i in range(N) if i != 3]
    return None if is_close(a.ask(*moved, W, b)[others], a.got[others]) else Finding(
        "changing token 3 changed the ratios of other tokens", "The ratios of a token depend on this token only.", True)


def blocks(a: Attempt) -> Finding | None:
    *tokens, W, b = a.given
    ends = (0, M, 2 * M, 2 * M + E)
    for n, name in enumerate(("phi(q)", "phi(k)", "v")):
        only = torch.zeros_like(W)
        only[:, ends[n]:ends[n + 1]] = W[:, ends[n]:ends[n + 1]]
        if not is_close(a.ask(*tokens, only, b), (tokens[n] @ W[:, ends[n]:ends[n + 1]].mT + b).sigmoid()):
            where = f"columns {ends[n]} to {ends[n + 1] - 1} of W belong to {name}"
            return Finding(f"{where}; your function uses them for something else",
                           "Join the inputs of the gate in the order phi(q), phi(k), v.", True)
    return None


fixation = Exercise(
    "fixation", "13.2", right, seen, (*FIRST, between, the_bias, alone, blocks, *LAST), WRONG,
    "There is one number in (0, 1) for every token and every feature.")
