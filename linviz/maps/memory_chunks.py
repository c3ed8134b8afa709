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


@dataclass(frozen=True)
class MemoryChunks:
    """The four tables of all chunks, (..., chunks, rows, columns)."""

    within: Tensor
    reading: Tensor
    keeping: Tensor
    writing: Tensor

    def apply(self, v: Tensor, state: Tensor | None = None) -> Tensor:
        """Forwards: the memory (..., D, E) before every chunk, then all chunks at once."""
        new = self.writing.mT @ v
        state, before = torch.zeros_like(new[..., 0, :, :]) if state is None else state, []
        for keep, fresh in zip(self.keeping.unbind(-3), new.unbind(-3), strict=True):
            before.append(state)
            state = keep @ state + fresh
        return self.within @ v + self.reading @ torch.stack(before, -3)

    def pull(self, y: Tensor, rest: Tensor | None = None) -> Tensor:
        """Backwards: what all later queries still ask for (..., D, F), then all chunks at once."""
        asked = self.reading.mT @ y
        rest, after = torch.zeros_like(asked[..., 0, :, :]) if rest is None else rest, []
        for keep, ask in zip(reversed(self.keeping.unbind(-3)), reversed(asked.unbind(-3)), strict=True):
            after.append(rest)
            rest = keep.mT @ rest + ask
        return self.within.mT @ y + self.writing @ torch.stack(after[::-1], -3)


def memory_chunks(q: Tensor, k: Tensor, log_decay: Tensor, beta: Tensor, erase: float, each: int,
                  chunk: int) -> MemoryChunks:
    """The tables of `Memory`, with the same names, for chunks of `chunk` tokens."""
    q, k, b, g = (cut_chunks(x, size) for x, size in ((q, chunk), (k, chunk), (beta, chunk),
                                                      (log_decay, chunk // each)))
    step = torch.arange(chunk, device=q.device) // each
    earlier, same = step[:, None] > step, step[:, None] == step
    faded = fades_between(g)[..., step[:, None], step, :]
    before, after = g.cumsum(-2).exp()[..., step, :], fades_after(g)[..., step, :]
    read = faded_products(q, k, faded) * (earlier | same)
    asking, kept = b * k * before, k * after  # b k: what is asked of the memory before the chunk
    within, writing = read * b.mT, b * kept
    if erase and chunk > each:  # the tokens of one step take nothing off one another
        known = erase * b * faded_products(k, k, faded) * earlier
        eye = torch.eye(chunk, dtype=q.dtype, device=q.device).expand_as(known)
        solved = torch.linalg.solve_triangular(known, eye, upper=False, unitriangular=True)
        within, asking, writing = read @ solved * b.mT, solved @ asking, b * (solved.mT @ kept)
    keeping = torch.diag_embed(g.sum(-2).exp().expand(*g.shape[:-2], k.shape[-1])) - erase * kept.mT @ asking
    return MemoryChunks(within, q * before - erase * read @ asking, keeping, writing)


def cut_chunks(x: Tensor, size: int) -> Tensor:
    """(..., N, M) -> (..., chunks, C, M); at the end zeros are added: nothing fades, nothing is written."""
    return pad(x, (0, 0, 0, -x.shape[-2] % size)).unflatten(-2, (-1, size))


def fades_after(g: Tensor) -> Tensor:
    """What the steps after i in the same chunk leave: exp of the sum of their log decays, (..., C, M)."""
    return pad(g[..., 1:, :], (0, 0, 0, 1)).flip(-2).cumsum(-2).flip(-2).exp()


def fades_between(g: Tensor) -> Tensor:
    """What is left at step i of what was written at step j: (..., C, C, M), 1 where i <= j.

    Sums of log decays, never differences of running sums: over a long clip those lose the digits of float32, and
    -inf minus -inf is not a number.
    """
    C = g.shape[-2]
    later = torch.ones(C, C, dtype=torch.bool, device=g.device).tril(-1)[..., None]
    each = g.unsqueeze(-2).expand(*g.shape[:-1], C, g.shape[-1])  # (..., i, j, M)
    return each.masked_fill(~later, 0).cumsum(-3).exp()


def faded_products(x: Tensor, y: Tensor, faded: Tensor) -> Tensor:
    """x_i.(y_j times what is left between them): faded (..., C, C, 1 or D) -> (..., C, C).

    A decay per channel is not split into exp(c_i) and exp(-c_j), which overflows in float32 after a few tokens.
    """
    if faded.shape[-1] == 1:
        return x @ y.mT * faded.squeeze(-1)
    return torch.einsum("...id,...jd,...ijd->...ij", x, y, faded)
