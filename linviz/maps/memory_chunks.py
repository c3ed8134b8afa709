"""A memory's map in chunks of C tokens: four small tables a chunk, and walks over the chunks in both directions.

    A[a, a] = within_a (C x C)
    A[a, b] = reading_a  keeping_(a-1) ... keeping_(b+1)  writing_b^T       chunk a after chunk b

reading (C x D) is what is left of a query when it reaches the beginning of its chunk, keeping (D x D) carries the
memory through a chunk, and writing (C x D) is what a value has left in the memory at the end of its chunk.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from .chunk_gradients import carried, unit_inverse
from .faded_pairs import fades_of_channels, fades_of_steps, products_of_channels


@dataclass(frozen=True)
class MemoryChunks:
    """The four tables of all chunks, (..., chunks, rows, columns)."""

    within: Tensor
    reading: Tensor
    keeping: Tensor
    writing: Tensor

    def apply(self, v: Tensor, state: Tensor | None = None) -> Tensor:
        """Forwards: the memory (..., D, E) before every chunk, then all chunks at once."""
        return self.within @ v + self.reading @ carried(self.keeping, self.writing.mT @ v, state)

    def pull(self, y: Tensor, rest: Tensor | None = None) -> Tensor:
        """Backwards: what all later queries still ask for (..., D, F), then all chunks at once."""
        return self.within.mT @ y + self.writing @ carried(self.keeping, self.reading.mT @ y, rest, back=True)


@dataclass(frozen=True)
class MemorySteps:
    """The tables where a chunk is one step: all its queries read what the memory holds after it, so no C x C table.

    within = q writing^T        reading = q keeping
    """

    q: Tensor
    keeping: Tensor
    writing: Tensor

    def apply(self, v: Tensor, state: Tensor | None = None) -> Tensor:
        """Forwards, as `MemoryChunks.apply`."""
        new = self.writing.mT @ v
        return self.q @ (self.keeping @ carried(self.keeping, new, state) + new)

    def pull(self, y: Tensor, rest: Tensor | None = None) -> Tensor:
        """Backwards, as `MemoryChunks.pull`."""
        asked = self.q.mT @ y
        return self.writing @ (asked + carried(self.keeping, self.keeping.mT @ asked, rest, back=True))


def memory_chunks(q: Tensor, k: Tensor, log_decay: Tensor, beta: Tensor, erase: float, each: int,
                  chunk: int) -> MemoryChunks | MemorySteps:
    """The tables of `Memory`, with the same names, for chunks of `chunk` tokens."""
    q, k, b, g = (cut_chunks(x, size) for x, size in ((q, chunk), (k, chunk), (beta, chunk),
                                                      (log_decay, chunk // each)))
    if chunk == each:
        left = torch.diag_embed(g.exp().squeeze(-2).expand(*g.shape[:-2], k.shape[-1]))
        return MemorySteps(q, left - erase * k.mT @ (b * k * g.exp()) if erase else left, b * k)
    asks = torch.stack([q, k], -3) if erase else q.unsqueeze(-3)
    (read, *known), before, after = _faded_products(asks, k, g, each)
    asking, kept = b * k * before, k * after  # b k: what is asked of the memory before the chunk
    within, writing = read * b.mT, b * kept
    if erase:  # the tokens of one step take nothing off one another
        taken = erase * b * known[0]
        taken = taken if each == 1 else taken * _earlier_steps(chunk, each, q.dtype, q.device)
        solved = unit_inverse(taken)
        within, asking, writing = read @ solved * b.mT, solved @ asking, b * (solved.mT @ kept)
    keeping = torch.diag_embed(before[..., -1, :].expand(*g.shape[:-2], k.shape[-1]))
    if not erase:
        return MemoryChunks(within, q * before, keeping, writing)
    return MemoryChunks(within, q * before - erase * read @ asking, keeping - erase * kept.mT @ asking, writing)


def _faded_products(asks: Tensor, k: Tensor, g: Tensor, each: int) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
    """Products of every ask (..., m, C, D) with k that have faded; what is left since the beginning, until the end."""
    if g.shape[-1] == 1:
        between, before, after = fades_of_steps(g)
        between = _for_tokens(_for_tokens(between, each).mT, each).mT
        found = (asks.flatten(-3, -2) @ k.mT).unflatten(-2, asks.shape[-3:-1]) * between.unsqueeze(-3)
    else:
        levels, masks, before, after = fades_of_channels(g)
        masks = [_for_tokens(_for_tokens(mask, each).mT, each).mT for mask in masks]
        found = products_of_channels(asks, k, [_for_tokens(f, each) for f in levels], masks)
    return found.unbind(-3), _for_tokens(before, each), _for_tokens(after, each)


def _for_tokens(x: Tensor, each: int) -> Tensor:
    """A row per step (..., n, M) as a row per token (..., n each, M)."""
    return x if each == 1 else x.unsqueeze(-2).expand(*x.shape[:-1], each, x.shape[-1]).flatten(-3, -2)


def _earlier_steps(chunk: int, each: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """1 where the key's step is earlier than the query's, else 0: (C, C)."""
    step = torch.arange(chunk, device=device) // each
    return (step[:, None] > step).to(dtype)


def cut_chunks(x: Tensor, size: int) -> Tensor:
    """(..., N, M) -> (..., chunks, C, M); at the end zeros are added: nothing fades, nothing is written."""
    return pad(x, (0, 0, 0, -x.shape[-2] % size)).unflatten(-2, (-1, size))
