"""Exercise 5.3: a memory that forgets by subtraction."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import LAST
from ..tensor_equality import is_close
from ..work_count import measure_work
from .e05_1_up_to_now import mixed, nobody_peeks, shares, the_first
from .outputs import ATTENDS
from .pairs import dot, mix_pairs, mix_rows
from .work_properties import linear_in_tokens


def right(phi_q: Tensor, phi_k: Tensor, v: Tensor, W: int) -> Tensor:
    """Pair by pair. phi_q, phi_k (N, M), v (N, E) -> (N, E): token i sees i - W + 1 to i."""
    return mix_pairs(dot, phi_q, phi_k, v, seen=lambda i: slice(max(0, i - W + 1), i + 1))


def _band(q: Tensor, k: Tensor, v: Tensor, low: int, high: int) -> Tensor:
    """Keys i - low + 1 to i + high."""
    return mix_rows((q @ k.mT).tril(high).triu(1 - low), v)


def _blocks(q: Tensor, k: Tensor, v: Tensor, W: int) -> Tensor:
    block = torch.arange(len(q)) // W
    return mix_rows((q @ k.mT).tril() * (block[:, None] == block), v)


def _mixed_sums(q: Tensor, k: Tensor, v: Tensor, above: int, below: int) -> Tensor:
    """The sum above the line over one window, the row sum over another."""
    table = (q @ k.mT).tril()
    return table.triu(1 - above) @ v / table.triu(1 - below).sum(-1, keepdim=True)


def _running(q: Tensor, k: Tensor, v: Tensor, leaves: Callable[[int], int | None]) -> Tensor:
    """A running state from which at step i the token leaves(i) is subtracted."""
    S, z, out = torch.zeros(k.shape[1], v.shape[1], dtype=v.dtype), torch.zeros_like(k[0]), []
    for i in range(len(q)):
        S, z = S + k[i][:, None] * v[i], z + k[i]
        if (gone := leaves(i)) is not None:
            S, z = S - k[gone][:, None] * v[gone], z - k[gone]
        out.append(q[i] @ S / (q[i] @ z))
    return torch.stack(out)


def _first_stays(q: Tensor, k: Tensor, v: Tensor, W: int) -> Tensor:
    return _running(q, k, v, lambda i: i - W if i > W else None)


def _last_leaves(q: Tensor, k: Tensor, v: Tensor, W: int) -> Tensor:
    return _running(q, k, v, lambda i: i - W if i >= W - 1 else None)


def _wrong_one_leaves(q: Tensor, k: Tensor, v: Tensor, W: int) -> Tensor:
    return _running(q, k, v, lambda i: i - W + 1 if i >= W else None)


WRONG: dict[str, Answer] = {
    "when the window has one token too many": lambda q, k, v, W: _band(q, k, v, W + 1, 0),
    "when the window has one token too few": lambda q, k, v, W: _band(q, k, v, W - 1, 0),
    "when no token is ever subtracted": lambda q, k, v, W: _band(q, k, v, len(q), 0),
    "when the first token that leaves is never subtracted, as with `if i > W`": _first_stays,
    "when the window is one token short at the beginning, as with `if i >= W - 1`: index -1 is the last token":
        _last_leaves,
    "when one token too late is subtracted, so that the first token stays and token i - W + 1 leaves":
        _wrong_one_leaves,
    "when token i - W + 1 leaves, and one step too late: then the first two tokens stay":
        lambda q, k, v, W: _running(q, k, v, lambda i: i - W + 1 if i > W else None),
    "when token i - W - 1 leaves at step W already: index -1 is the last token":
        lambda q, k, v, W: _running(q, k, v, lambda i: i - W - 1 if i >= W else None),
    "when the window reaches to both sides": lambda q, k, v, W: _band(q, k, v, W, W - 1),
    "when the window reaches into the future": lambda q, k, v, W: _band(q, k, v, 1, W - 1),
    "when the token itself is not in its window": lambda q, k, v, W: _band(q, k, v, W + 1, -1),
    "when no token is subtracted from z": lambda q, k, v, W: _mixed_sums(q, k, v, W, len(q)),
    "when no token is subtracted from S": lambda q, k, v, W: _mixed_sums(q, k, v, len(q), W),
    "when tokens are subtracted from z one step too late": lambda q, k, v, W: _mixed_sums(q, k, v, W, W + 1),
    "when tokens are subtracted from S one step too late": lambda q, k, v, W: _mixed_sums(q, k, v, W + 1, W),
    "without dividing by the row sum": lambda q, k, v, W: (q @ k.mT).tril().triu(1 - W) @ v,
    "when it is divided by the window's size": lambda q, k, v, W: (q @ k.mT).tril().triu(1 - W) @ v / W,
    "when the sequence is cut into blocks instead of sliding": _blocks,
    "when only tokens before the window are seen":
        lambda q, k, v, W: mix_rows((q @ k.mT).tril(-W), v),
    "when the token that leaves the window is added instead of subtracted":
        lambda q, k, v, W: mix_rows((q @ k.mT).tril() + (q @ k.mT).tril(-W), v),
    "when the keys' features replace the queries' features": lambda q, k, v, W: _band(k, k, v, W, 0),
    "when the queries' features replace the keys' features": lambda q, k, v, W: _band(q, q, v, W, 0),
    "when all tokens in the window have the same weight":
        lambda q, k, v, W: _band(torch.ones_like(q), torch.ones_like(k), v, W, 0),
    "without any order: every token sees every token": lambda q, k, v, W: _band(q, k, v, len(q), len(q)),
}


def inputs(seed: int) -> tuple[Any, ...]:
    """Features, values, and a window of another size for each seed."""
    return *mixed(seed), (3, 2, 4, 3)[seed % 4]


def forgets(a: Attempt) -> Finding | None:
    """A token W steps back has no effect, and the one W - 1 steps back has."""
    q, k, v, W = a.given
    last = len(q) - 1
    for back, word in ((W, "is outside"), (W - 1, "is the oldest inside")):
        moved = v.clone()
        moved[last - back] += 1
        same = is_close(a.ask(q, k, moved, W)[last], a.got[last], 1e-6)
        if same == (back < W):
            effect = "has no effect" if same else "still counts"
            return Finding(f"W = {W}: for token {last}, token {last - back} {word}, but in yours it {effect}",
                           f"Token i sees {W} tokens: i - {W - 1} to i. At step i token i - W leaves the sums.", True)
    return None


def same_work(a: Attempt) -> Finding | None:
    short, long = (measure_work(a.theirs, (*mixed(0, 96), W)) for W in (3, 48))
    many = long.numbers > 1.3 * short.numbers or long.outside > 1.3 * short.outside + 2000
    times = max(long.numbers / max(short.numbers, 1), long.outside / short.outside)
    return Finding(f"right numbers, but a window 16 times as long takes {times:.1f} times the work",
                   "Keep a running state: add the new token, subtract the token that leaves.", True) if many else None


window = Exercise(
    "window", "5.3", right, inputs,
    (*ATTENDS, nobody_peeks, the_first, forgets, shares, *LAST,
     linear_in_tokens(lambda n: (*mixed(0, n), 3), "Keep a running state: add the new token, subtract the old one."),
     same_work),
    WRONG, "The work per token is the same for every window.")
