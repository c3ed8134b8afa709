"""Exercise 5.4: causal linear attention in chunks, a small triangle and a state."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Answer, Attempt, Exercise, Finding
from ..properties import LAST
from ..tensor_equality import is_close
from ..work_count import measure_work
from .e05_1_up_to_now import mixed, nobody_peeks, shares, the_first
from .e05_1_up_to_now import right as by_the_triangle
from .outputs import ATTENDS
from .pairs import mix_rows
from .work_properties import linear_in_tokens

SIZES = (3, 2, 4, 5)


def right(phi_q: Tensor, phi_k: Tensor, v: Tensor, size: int) -> Tensor:
    """Pair by pair: the result does not depend on the chunks. phi_q, phi_k (N, M), v (N, E) -> (N, E)."""
    return by_the_triangle(phi_q, phi_k, v)


def _pairs(q: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """(N, N) tables of ones and zeros: same chunk; same chunk and not later; from an earlier chunk."""
    chunk, one = torch.arange(len(q)) // size, torch.ones(len(q), len(q), dtype=q.dtype)
    same, earlier = ((chunk[:, None] == chunk), (chunk[:, None] > chunk))
    return one * same, (one * same).tril(), one * earlier


def _with(change: Answer) -> Answer:
    """A wrong answer, from factors on the pairs inside a chunk and before it."""
    def wrong(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
        inside, before = change(q, size, *_pairs(q, size))
        return mix_rows((q @ k.mT) * (inside + before), v)
    return wrong


def _halves(q: Tensor, k: Tensor, v: Tensor, size: int, above: bool) -> Tensor:
    """The state without its z, or z without its state."""
    _, inside, before = _pairs(q, size)
    table = q @ k.mT
    short, long = table * inside, table * (inside + before)
    return (long if above else short) @ v / (short if above else long).sum(-1, keepdim=True)


def _own_shares(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    """Each part divided by its own sum, then added."""
    _, inside, before = _pairs(q, size)
    parts = (q @ k.mT) * inside, (q @ k.mT) * before
    return sum(w @ v / w.sum(-1, keepdim=True).clamp_min(1e-12) for w in parts)  # type: ignore[return-value]


def _neighbour(q: Tensor, size: int) -> Tensor:
    chunk = torch.arange(len(q)) // size
    return (chunk[:, None] == chunk + 1).to(q.dtype)


def _last_read(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    """Every token reads the final state."""
    return q @ (k.mT @ v) / (q @ k.sum(0))[:, None]


WRONG: dict[str, Answer] = {
    "when the state is never read, so that a token sees only its own chunk":
        _with(lambda q, n, same, low, before: (low, 0 * before)),
    "when only the state is read, so that a token does not see its own chunk":
        _with(lambda q, n, same, low, before: (0 * low, before)),
    "without the triangle: a chunk sees its own future": _with(lambda q, n, same, low, before: (same, before)),
    "when a token may not see itself": _with(lambda q, n, same, low, before: (low.tril(-1), before)),
    "with the upper triangle inside a chunk": _with(lambda q, n, same, low, before: (same.triu(), before)),
    "when the own chunk is already in the state and counts twice":
        _with(lambda q, n, same, low, before: (low + same, before)),
    "when the state holds only the previous chunk": _with(lambda q, n, same, low, before: (low, _neighbour(q, n))),
    "when the state is counted twice": _with(lambda q, n, same, low, before: (low, 2 * before)),
    "when the state is subtracted": _with(lambda q, n, same, low, before: (low, -before)),
    "when z is not carried from chunk to chunk": lambda q, k, v, n: _halves(q, k, v, n, True),
    "when S is not carried from chunk to chunk": lambda q, k, v, n: _halves(q, k, v, n, False),
    "when each part is divided by its own sum before they are added": _own_shares,
    "when the keys' features replace the queries' features": lambda q, k, v, n: by_the_triangle(k, k, v),
    "when the queries' features replace the keys' features": lambda q, k, v, n: by_the_triangle(q, q, v),
    "without dividing by the row sum": lambda q, k, v, n: (q @ k.mT).tril() @ v,
    "when every token reads the final state": _last_read,
    "when the row sum is made without the triangle":
        lambda q, k, v, n: (q @ k.mT).tril() @ v / (q @ k.sum(0))[:, None],
    "when a token also sees the next token": _with(
        lambda q, n, same, low, before: ((same + before + 1).clamp_max(1).tril(1) * same, before)),
}


def inputs(seed: int) -> tuple[Any, ...]:
    """Features, values, and a size of the chunks that differs from seed to seed and does not divide N."""
    return *mixed(seed), SIZES[seed % 4]


def any_size(a: Attempt) -> Finding | None:
    """The same output for chunks of every size: too large, exactly N, and one token."""
    q, k, v, size = a.given
    for other in (len(q) + 2, len(q), 1):
        got = a.ask(q, k, v, other)
        if got.shape != a.got.shape or not is_close(got, a.got, 1e-6):
            return Finding(f"chunks of {size} and chunks of {other} give different outputs for {len(q)} tokens",
                           "The size of the chunks changes the work, but never the result.", True)
    return None


def fewer_operations(a: Attempt) -> Finding | None:
    """Either larger chunks need fewer calls, or all chunks are computed in the same few calls."""
    single, eight, longer = (measure_work(a.theirs, (*mixed(0, n), size)) for n, size in ((32, 1), (32, 8), (64, 8)))
    together = eight.calls == longer.calls and eight.numbers != single.numbers
    return None if eight.calls <= 0.5 * single.calls or together else Finding(
        f"right numbers, but chunks of 8 need {eight.calls} calls of torch and chunks of 1 need {single.calls}",
        "Compute all tokens of a chunk in the same few matrix products.", True)


chunked = Exercise(
    "chunked", "5.4", right, inputs,
    (*ATTENDS, nobody_peeks, the_first, shares, *LAST, any_size,
     linear_in_tokens(lambda n: (*mixed(0, n), 4), "Compute only the pairs inside a chunk; the state gives "
                                                   "the rest."), fewer_operations),
    WRONG, "The result is the same for every size, without an N x N table.")
