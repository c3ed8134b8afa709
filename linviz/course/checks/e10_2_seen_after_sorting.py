"""Exercise 10.2: who sees whom after sorting by bucket and cutting into chunks."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST

SIZES = {0: (14, 3, 5), 1: (12, 4, 3), 2: (17, 5, 7)}  # seed -> tokens, chunk, buckets


def bucket_samples(seed: int) -> tuple[Any, ...]:
    """Buckets of tokens (N,), and the length of a chunk."""
    N, L, buckets = SIZES[seed % 3]
    return torch.randint(buckets, (N,), generator=torch.Generator().manual_seed(100 + seed)), L


def right(bucket: Tensor, L: int) -> Tensor:
    """Token by token: the sorted list, cut into chunks. (N,) -> (N, N) float32."""
    order = sorted(range(len(bucket)), key=lambda i: (int(bucket[i]), i))
    chunks = [order[n:n + L] for n in range(0, len(order), L)]
    out = torch.zeros(len(order), len(order))
    for n, chunk in enumerate(chunks):
        for i in chunk:
            for j in chunk + chunks[n - 1]:
                out[i, j] = 1
    return out


def _chunk(bucket: Tensor, L: int) -> Tensor:
    return bucket.argsort(stable=True).argsort() // L


def _back(chunk: Tensor) -> Tensor:
    return (chunk[:, None] - chunk) % (chunk.max() + 1)


WRONG = {
    "when only a query's own chunk is seen": lambda b, L: (_back(_chunk(b, L)) == 0).float(),
    "when only the chunk before is seen": lambda b, L: (_back(_chunk(b, L)) == 1).float(),
    "when the chunk after is seen, not the one before": lambda b, L: (_back(_chunk(b, L)) <= 1).float().mT,
    "when both neighbouring chunks are seen": lambda b, L: (
        (_back(_chunk(b, L)) <= 1) | (_back(_chunk(b, L)) <= 1).mT).float(),
    "when the first chunk does not look back at the last": lambda b, L: (
        (_chunk(b, L)[:, None] - _chunk(b, L) >= 0) & (_chunk(b, L)[:, None] - _chunk(b, L) <= 1)).float(),
    "when all earlier chunks are seen": lambda b, L: (_chunk(b, L)[:, None] >= _chunk(b, L)).float(),
    "when tokens of one bucket see each other, without chunks": lambda b, L: (b[:, None] == b).float(),
    "when buckets take the place of chunks": lambda b, L: (_back(b) <= 1).float(),
    "when the tokens are not sorted": lambda b, L: (_back(torch.arange(len(b)) // L) <= 1).float(),
    "when the tokens are sorted once, so that the order is taken for the places":
        lambda b, L: (_back(b.argsort(stable=True) // L) <= 1).float(),
    "when the largest buckets come first":
        lambda b, L: (_back((-b).argsort(stable=True).argsort() // L) <= 1).float(),
    "when a chunk has twice the length, instead of looking back": lambda b, L: (_back(_chunk(b, 2 * L)) == 0).float(),
    "when tokens of the same bucket change their order": lambda b, L: (
        _back((len(b) * b - torch.arange(len(b))).argsort().argsort() // L) <= 1).float(),
    "when a bucket that was cut counts whole": lambda b, L: (
        (_back(_chunk(b, L)) <= 1) | (b[:, None] == b)).float(),
    "when 1 and 0 are exchanged": lambda b, L: 1 - right(b, L),
    "when all tokens see all": lambda b, L: torch.ones(len(b), len(b)),
}


def sorted_already(a: Attempt) -> Finding | None:
    """One bucket for all: the tokens keep their order, and chunks are cut from it."""
    N, L = 9, 3
    got = a.ask(torch.zeros(N, dtype=torch.int64), L)
    for query, wanted in ((4, [0, 1, 2, 3, 4, 5]), (0, [0, 1, 2, 6, 7, 8])):
        seen = got[query].nonzero().flatten().tolist()
        if seen != wanted:
            return Finding(f"9 tokens in one bucket, L = 3: token {query} should see {_spoken(wanted)}; yours sees "
                           f"{_spoken(seen)}", "Its own chunk and the one before; before the first comes the last.",
                           True)
    return None


def _spoken(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def counts(a: Attempt) -> Finding | None:
    """How many keys each query sees."""
    wanted, got = a.expected.sum(-1), a.got.sum(-1)
    off = (wanted != got).nonzero().flatten().tolist()
    return None if not off else Finding(
        f"query {off[0]} should see {int(wanted[off[0]])} keys; yours sees {got[off[0]].item():g}",
        "Two chunks of L tokens, or fewer where the last chunk is shorter.", True)


def by_bucket(a: Attempt) -> Finding | None:
    """Which key of the first query that differs."""
    wanted, got = a.expected, a.got
    off = (wanted != got).nonzero().tolist()
    if not off:
        return None
    i, j = off[0]
    word = "see" if wanted[i, j] else "not see"
    return Finding(f"query {i} (bucket {int(a.given[0][i])}) should {word} key {j} (bucket {int(a.given[0][j])})",
                   "Sort by bucket, and tokens of one bucket by their number; then find the place of each token.", True)


seen_after_sorting = Exercise(
    "seen_after_sorting", "10.2", right, bucket_samples, (*FIRST, sorted_already, counts, by_bucket, *LAST), WRONG,
    "Every query sees two chunks, whatever the sizes of the buckets.")
