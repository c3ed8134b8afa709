"""Exercise 2.4: softmax attention that never stores its table."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import LAST
from ..work_count import measure_work, memory_growth
from .e01_1_soft_lookup import right as whole
from .outputs import ATTENDS, sums_to_one
from .samples import E, M, N, mixed, normal


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


def any_size(a: Attempt) -> Finding | None:
    q, k, v, _ = a.given
    one, wanted = a.ask(q, k, v, len(k)), whole(q, k, v)
    if off := first_difference(one, wanted):
        return Finding(f"with all keys in one chunk it is exercise 1.1: {off.wanted} at [{off.place}]; yours "
                       f"gives {off.got}", "Scores are q.k / sqrt(D).", True)
    for size in (1, 4, 5, len(k) + 3):
        got = a.ask(q, k, v, size)
        if off := first_difference(got, wanted):
            return Finding(f"right with one chunk, but chunks of {size} keys (of {len(k)}) give {off.got} "
                           f"instead of {off.wanted}", "When the largest score rises, both sums so far "
                           "shrink by exp(old - new). The last chunk may be short.", True)
    return None


def no_overflow(a: Attempt) -> Finding | None:
    q, k, v, size = a.given
    large, ones = 1000 + q.abs(), torch.linspace(0.5, 1.5, len(k), dtype=k.dtype)[:, None].expand_as(k)
    mixed_signs = large * torch.tensor([1.0, -1.0], dtype=q.dtype).repeat(N)[:N, None]
    for name, queries, keys in (("near 1000", large, 1 + k.abs()), ("near -1000", -large, 1 + k.abs()),
                                ("that rise to 3000", large, ones), ("that fall from 3000", large, ones.flip(0)),
                                ("of 1000 for some queries and -1000 for others", mixed_signs, 1 + k.abs())):
        got, wanted = a.ask(queries, keys, v, size), (queries @ keys.mT / M ** 0.5).softmax(-1) @ v
        if off := first_difference(got, wanted, 1e-6):
            return Finding(f"scores {name} should cause no overflow: expected {off.wanted} at [{off.place}], got "
                           f"{off.got}", "exp(800) overflows and exp(-800) is 0: subtract each query's own largest "
                           "score first.", True)
    return None


def no_table(a: Attempt) -> Finding | None:
    """Neither the table at once, nor in pieces, nor all keys for some queries: in torch, numpy or Python."""
    work = measure_work(a.theirs, (normal(0, 100, M), normal(1, 2000, M), normal(2, 2000, E), 16))
    advice = "Only the scores of one chunk of keys, N x size, should exist at a time."
    if work.largest >= 2000 * 16 // 2:
        return Finding("right numbers, but with 100 queries, 2,000 keys and chunks of 16 keys you made "
                       f"{work.largest:,} numbers at once", advice, True)
    long = normal(0, 2000, M), normal(1, 8000, M), normal(2, 8000, E), 100
    return None if work.peak < 700_000 and memory_growth(a.theirs, long) < 50_000_000 else Finding(
        "right numbers, but you keep the scores of all chunks: together they are the whole table", advice, True)


streamed = Exercise(
    "streamed", "2.4", right, streams,
    (*ATTENDS, sums_to_one("Keep two sums over the chunks, of exp(s) v and of exp(s), and divide at the end."),
     any_size, no_overflow, *LAST, no_table), WRONG,
    "Every pair was computed, and no table was stored.")
