"""Exercise 2.4: softmax attention that never stores its table."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Answer, Attempt, Exercise, Finding, is_close
from ..properties import LAST, Tally
from .e01_1_soft_lookup import right as whole
from .outputs import ATTENDS, sums_to_one
from .samples import E, M, mixed, normal


def right(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    """The size of a chunk changes nothing. q (N, D), k (S, D), v (S, E) -> (N, E)."""
    return whole(q, k, v)


def _chunks(q: Tensor, k: Tensor, v: Tensor, size: int) -> list[tuple[Tensor, Tensor]]:
    return [(q @ a.mT / q.shape[1] ** 0.5, b) for a, b in zip(k.split(size), v.split(size), strict=True)]


def _sums(q: Tensor, k: Tensor, v: Tensor, size: int, fade: float = 1.0) -> tuple[Tensor, Tensor]:
    """Numerator (N, E) and row sums (N, 1), chunk by chunk; older chunks are multiplied by a factor."""
    top, bottom = q.new_zeros(len(q), v.shape[1]), q.new_zeros(len(q), 1)
    for s, b in _chunks(q, k, v, size):
        top, bottom = fade * top + s.exp() @ b, fade * bottom + s.exp().sum(-1, keepdim=True)
    return top, bottom


def _own_softmax(q: Tensor, k: Tensor, v: Tensor, size: int) -> list[Tensor]:
    return [s.softmax(-1) @ b for s, b in _chunks(q, k, v, size)]


def _unfixed(q: Tensor, k: Tensor, v: Tensor, size: int, top: bool, bottom: bool) -> Tensor:
    """A running maximum is subtracted, but one or both old sums are not rescaled to it."""
    m, n, d = q.new_full((len(q), 1), -torch.inf), q.new_zeros(len(q), v.shape[1]), q.new_zeros(len(q), 1)
    for s, b in _chunks(q, k, v, size):
        new = torch.maximum(m, s.amax(-1, keepdim=True))
        old, p = (m - new).exp(), (s - new).exp()
        n, d, m = (old if top else 1) * n + p @ b, (old if bottom else 1) * d + p.sum(-1, keepdim=True), new
    return n / d


def _own_maximum(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    parts = [((s - s.amax(-1, keepdim=True)).exp(), b) for s, b in _chunks(q, k, v, size)]
    return sum((p @ b for p, b in parts), q.new_zeros(1)) / sum((p.sum(-1, keepdim=True) for p, _ in parts),
                                                               q.new_zeros(1))


WRONG = {
    "when every chunk has its own softmax and the results are added": lambda *x: sum(_own_softmax(*x)),
    "when every chunk has its own softmax and the results are averaged":
        lambda *x: torch.stack(_own_softmax(*x)).mean(0),
    "when only the last chunk counts": lambda *x: _own_softmax(*x)[-1],
    "when only the first chunk counts": lambda *x: _own_softmax(*x)[0],
    "when the last chunk is left out":
        lambda q, k, v, size: whole(q, k[:(len(k) - 1) // size * size], v[:(len(k) - 1) // size * size]),
    "when the first chunk is left out": lambda q, k, v, size: whole(q, k[size:], v[size:]),
    "without dividing by the row's sum": lambda *x: _sums(*x)[0],
    "when it is divided by the last chunk's sum only":
        lambda *x: _sums(*x)[0] / _chunks(*x)[-1][0].exp().sum(-1, keepdim=True),
    "when the sums are returned, without the values": lambda *x: _sums(*x)[1].expand(-1, x[2].shape[1]),
    "when the old sums are not rescaled to the new maximum":
        lambda q, k, v, size: _unfixed(q, k, v, size, False, False),
    "when only the old row sums are rescaled to the new maximum":
        lambda q, k, v, size: _unfixed(q, k, v, size, False, True),
    "when only the old values are rescaled to the new maximum":
        lambda q, k, v, size: _unfixed(q, k, v, size, True, False),
    "when every chunk subtracts its own maximum and nothing is rescaled": _own_maximum,
    "without dividing the scores by sqrt(D)": lambda q, k, v, size: whole(q * q.shape[1] ** 0.5, k, v),
    "when the scores are divided by D, not by its root": lambda q, k, v, size: whole(q / q.shape[1] ** 0.5, k, v),
    "when the scores are multiplied by sqrt(D)": lambda q, k, v, size: whole(q * q.shape[1], k, v),
    "when the scores have the wrong sign": lambda q, k, v, size: whole(-q, k, v),
    "when queries are divided by the root of the chunk's size":
        lambda q, k, v, size: whole(q * (q.shape[1] / size) ** 0.5, k, v),
    "when the plain mean of all values is returned": lambda q, k, v, size: v.mean(0).expand(len(q), -1),
}


def streams(seed: int) -> tuple[Any, ...]:
    """Inputs: queries, keys, values, and the number of keys per chunk."""
    return *mixed(seed), (4, 2, 4)[seed % 3]


class Largest(Tally):
    """The most numbers that one tensor held."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before, self.made = self.made, 0
        out = super().__torch_dispatch__(func, types, args, kwargs)
        self.made = max(before, self.made)
        return out


def largest(answer: Answer, given: tuple[Any, ...]) -> int:
    """The most numbers that an operation of an answer makes.

    >>> largest(lambda x: (x @ x.mT).sum(), (torch.ones(10, 2),))
    100
    """
    with Largest() as most:
        answer(*given)
    return most.made


def any_size(a: Attempt) -> Finding | None:
    q, k, v, _ = a.given
    one, wanted = a.ask(q, k, v, len(k)), whole(q, k, v)
    if not is_close(one, wanted):
        return Finding(f"with all keys in one chunk it is exercise 1.1: {wanted[0, 0].item():.4g} at [0, 0]; yours "
                       f"gives {one[0, 0].item():.4g}", "Scores are q.k / sqrt(D).", True)
    for size in (1, 4, 5, len(k) + 3):
        got = a.ask(q, k, v, size)
        if not is_close(got, wanted):
            return Finding(f"right with one chunk, but chunks of {size} keys (of {len(k)}) give {got[0, 0].item():.4g} "
                           f"instead of {wanted[0, 0].item():.4g}", "When the largest score rises, both sums so far "
                           "shrink by exp(old - new). The last chunk may be short.", True)
    return None


def no_overflow(a: Attempt) -> Finding | None:
    q, k, v, size = a.given
    for sign in (1, -1):
        queries, keys = sign * (1000 + q.abs()), 1 + k.abs()
        got = a.ask(queries, keys, v, size)
        if not (got.isfinite().all() and is_close(got, (queries @ keys.mT / M ** 0.5).softmax(-1) @ v, 1e-6)):
            return Finding(f"scores near {sign * 1000 * M ** 0.5:.0f} should cause no overflow; yours gives "
                           f"{got[0, 0].item():.4g}", "exp(800) overflows: subtract the largest score first.", True)
    return None


def no_table(a: Attempt) -> Finding | None:
    given = (normal(0, 40, M), normal(1, 60, M), normal(2, 60, E), 4)
    most = largest(a.theirs, given)
    return None if most < 40 * 60 else Finding(
        f"right numbers, but with 40 queries and 60 keys you made {most:,} numbers at once: the whole table",
        "Only the scores of one chunk, N x size, should exist at a time.", True)


streamed = Exercise(
    "streamed", "2.4", right, streams,
    (*ATTENDS, sums_to_one("Keep two sums over the chunks, of exp(s) v and of exp(s), and divide at the end."),
     any_size, no_overflow, *LAST, no_table), WRONG,
    "Every pair was computed, and no table was stored.")
