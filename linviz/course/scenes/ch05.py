"""Figures and counts of chapter 5: a state and a cache, chunks, and ranks between past and future."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ...figures import growth
from ...spectra import numerical_rank

WIDTHS = (8, 16, 18, 32, 64, 128)  # of a head: the slider of the chapter
SEEN = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)  # tokens


def state_numbers(width: int, value_width: int) -> int:
    """How many numbers the state has, S and z, for any number of tokens.

    >>> state_numbers(18, 3)
    72
    """
    return width * value_width + width


def cache_numbers(tokens: int, width: int, value_width: int) -> int:
    """How many numbers a cache has after some tokens: every key and every value.

    >>> cache_numbers(10, 18, 18)
    360
    """
    return tokens * (width + value_width)


def break_even_tokens(width: int, value_width: int) -> int:
    """After how many tokens the state is smaller than the cache.

    >>> break_even_tokens(18, 18)
    10
    """
    return state_numbers(width, value_width) // (width + value_width) + 1


def memory_figure(width: float) -> Any:
    """Numbers stored, over the number of tokens, for a head of some width: for chapter 5's slider."""
    D = int(width)
    first = break_even_tokens(D, D)
    cache, state = [cache_numbers(n, D, D) for n in SEEN], [state_numbers(D, D)] * len(SEEN)
    lines = [growth.Trend("cache of keys and values", "softmax", "softmax", SEEN, cache),
             growth.Trend("state", "linear", "kernel", SEEN, state)]
    return growth.trend_lines(lines, growth.Axis("tokens so far", log=True),
                         growth.Axis("numbers stored by one head", log=True),
                         at={f"from token {first} on the state is smaller": first},
                         title=f"Heads of width {D}: the state has {state_numbers(D, D):,} numbers and never grows")


def chunked_attention(q: Tensor, k: Tensor, v: Tensor, size: int) -> Tensor:
    """Causal linear attention in chunks. q, k (N, M) features, v (N, E) -> (N, E). Rows are not divided by their sums.

    >>> x = torch.ones(5, 1)
    >>> chunked_attention(x, x, x, 2).flatten().tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0]
    """
    state, out = k[:0].mT @ v[:0], []
    for a, b, x in zip(q.split(size), k.split(size), v.split(size), strict=True):
        out.append((a @ b.mT).tril() @ x + a @ state)
        state = state + b.mT @ x
    return torch.cat(out)


def cut_ranks(a: Tensor, cuts: Iterable[int], tolerance: float) -> list[int]:
    """The rank of one block of a (N, N) per cut: its queries come after the cut, its keys before.

    >>> cut_ranks(torch.ones(6, 6).tril(), (1, 3, 5), 1e-6)
    [1, 1, 1]
    """
    return [int(numerical_rank(torch.linalg.svdvals(a[cut:, :cut].double()), tolerance)) for cut in cuts]
