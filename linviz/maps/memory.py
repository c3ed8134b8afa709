"""The map of a memory that fades and is overwritten: retention, GLA, Mamba-2, DeltaNet, gated DeltaNet, KDA.

    S <- g_i S                          the memory S (D x E) fades: g_i is one factor, or one for each channel of k
    u_i = b_i (v_i - e S^T k_i)         what is new in v_i: what the memory already says of k_i is taken off (e = 1)
    S <- S + k_i u_i^T                  write                           o_i = S^T q_i       read

All of this is linear in v, so o = A v. G_ij is the product of all g after j up to i:

    P_ij = q_i.(G_ij k_j) for j <= i    R_ij = k_i.(G_ij k_j) for j < i
    A = P (I + e diag(b) R)^-1 diag(b)

Seen backwards, a row is a walk of its query into the past (w = q_i at first, then j = i, i-1, ...):

    A_ij = b_j (w.k_j)      w <- g_j (w - e A_ij k_j)       each token takes its part of q, the rest goes on, faded

A is lower triangular, so its rank has no bound but N. But whatever gets from before token t to after it is in S:
every block A[t:, :t] has rank <= D, however long the clip.
"""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from .base import Map
from .factored import Factored
from .memory_chunks import MemoryChunks, MemorySteps, cut_chunks, memory_chunks

CHUNK, CHUNK_ERASING, LONGEST = 32, 16, 64  # tokens whose mutual weights are computed at once; erasing with D <= 32


class Memory(Map):
    """q, k (..., N, D); log_decay (..., N / each, 1 or D), at most 0, -inf forgets all; beta (..., N, 1).

    `erase` is e: 1 for the delta rule, 0 to write without erasing. `each` tokens (a frame) step at once: they fade,
    erase and write together, and their order does not matter.

    >>> k = torch.eye(2)[[0, 0, 1]]                             # the second key is the first one again
    >>> Memory(k, k, torch.zeros(3, 1), torch.ones(3, 1), erase=1.0).dense()[1].tolist()
    [0.0, 1.0, 0.0]
    """

    stochastic = False

    def __init__(self, q: Tensor, k: Tensor, log_decay: Tensor, beta: Tensor, erase: float = 0.0, each: int = 1,
                 chunk: int | None = None) -> None:
        N = q.shape[-2]
        if k.shape != q.shape or N % each:
            raise ValueError(f"a memory pairs query i with key i, {each} at a time; got q {tuple(q.shape)} and k "
                             f"{tuple(k.shape)}")
        self.q, self.k, self.log_decay, self.beta = q, k, log_decay, beta
        self.erase, self.each, self.shape = erase, each, (N, N)
        self.rank_bound = N // each * min(each, k.shape[-1])
        size = chunk or (CHUNK_ERASING if erase and k.shape[-1] <= 32 else CHUNK)
        self.chunk = max(each, min(size, LONGEST, N) // each * each)

    @property
    def like(self) -> Tensor:
        return self.q

    @property
    def lead(self) -> tuple[int, ...]:
        return tuple(self.q.shape[:-2])

    @cached_property
    def chunks(self) -> MemoryChunks | MemorySteps:
        """A in chunks of C tokens, four small tables each: computed once, N (C + D) numbers, never N x N."""
        return memory_chunks(self.q, self.k, self.log_decay, self.beta, self.erase, self.each, self.chunk)

    def cut(self, x: Tensor) -> Tensor:
        """(..., N, E) -> (..., chunks, C, E)."""
        return cut_chunks(x, self.chunk)

    def join(self, x: Tensor) -> Tensor:
        """(..., chunks, C, E) -> (..., N, E)."""
        return x.flatten(-3, -2)[..., :self.shape[0], :]

    def apply(self, v: Tensor) -> Tensor:
        return self.join(self.chunks.apply(self.cut(v)))

    def pull(self, y: Tensor) -> Tensor:
        """A^T y: (..., N, F) -> (..., N, F), from the last token to the first."""
        return self.join(self.chunks.pull(self.cut(y)))

    def take_rows(self, i: Tensor) -> Tensor:
        """The walk of the queries i into the past, one chunk at a time: O(i (C + D)) a row."""
        one = torch.zeros(self.shape[0], len(i), dtype=self.dtype, device=self.device)
        one[i, torch.arange(len(i), device=i.device)] = 1
        return self.pull(one).mT

    def dense(self) -> Tensor:
        return self.apply(torch.eye(self.shape[0], dtype=self.dtype, device=self.device))

    def column_sums(self) -> Tensor:
        return self.pull(torch.ones(self.shape[0], 1, dtype=self.dtype, device=self.device)).squeeze(-1)

    def row_sums(self) -> Tensor:
        """What is read if every value is 1: (..., N)."""
        return self.apply(torch.ones(self.shape[0], 1, dtype=self.dtype, device=self.device)).squeeze(-1)

    def log_det(self) -> Tensor:
        """log of the product of all singular values, as float64: the diagonal of A says it. -inf: the rank is below N.

        Without decay the smallest singular values lie below rounding, so that an SVD misses some of them.
        """
        if self.each > 1:
            raise ValueError(f"{self.each} tokens step at once, so the map has no triangle whose diagonal says it; use "
                             "singular_values()")
        diagonal = (self.beta * self.q * self.k).sum(-1)
        return diagonal.abs().double().log().sum(-1)

    def passed(self, t: int) -> Factored:
        """The block A[t:, :t] of rank <= D: what the memory carries over the border before token t.

        >>> x = torch.randn(9, 2)
        >>> Memory(x, x, torch.zeros(9, 1), torch.ones(9, 1)).passed(4)
        <map Factored: 5 queries x 4 keys, rank at most 2, signed, or rows that do not sum to one, float32>
        """
        N, D = self.shape[0], self.k.shape[-1]
        if not 0 < t < N or t % self.each:
            raise ValueError(f"a border lies before one of the tokens 1..{N - 1} and at a multiple of {self.each}; "
                             f"got {t}")
        head, tail = self._part(0, t), self._part(t, N)
        wide = torch.eye(D, dtype=self.dtype, device=self.device).expand(*self.lead, D, D)
        left = tail.join(tail.chunks.apply(tail.cut(torch.zeros_like(tail.k)), wide))
        right = head.join(head.chunks.pull(head.cut(torch.zeros_like(head.k)), wide))
        return Factored(left, right, stochastic=False)

    def _part(self, start: int, stop: int) -> Memory:
        """The same memory over some of the tokens, empty at first."""
        q, k, b = (x[..., start:stop, :] for x in (self.q, self.k, self.beta))
        g = self.log_decay[..., start // self.each:stop // self.each, :]
        return Memory(q, k, g, b, self.erase, self.each, self.chunk)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        """A walk needs no table: N (2 D + 2) numbers for one decay per token."""
        return {"kind": "walk", "q": self.q[at], "k": self.k[at], "decay": self.log_decay[at].exp(),
                "beta": self.beta[at].squeeze(-1), "erase": self.erase, "each": self.each}


@dataclass(frozen=True)
class MemoryState:
    """The memory S (B, H, D, E) after the tokens so far: its size does not grow.

    >>> k = torch.eye(2)[None, None]
    >>> state = MemoryState.empty(k, torch.ones(1, 1, 2, 3))
    >>> for token in k.split(1, -2):
    ...     state = state.after(token, torch.ones(1, 1, 1, 3), torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), 1.0)
    >>> state.S.shape, state.seen
    (torch.Size([1, 1, 2, 3]), 2)
    """

    S: Tensor
    seen: int = 0

    @classmethod
    def empty(cls, k: Tensor, v: Tensor) -> MemoryState:
        """The memory before the first token."""
        return cls(v.new_zeros(*k.shape[:-2], k.shape[-1], v.shape[-1]))

    def after(self, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, erase: float) -> MemoryState:
        """The memory after one more step: k (B, H, n, D), v (B, H, n, E), log_decay (B, H, 1, 1 or D)."""
        S = self.S * log_decay.exp().mT
        return MemoryState(S + k.mT @ (beta * (v - erase * k @ S)), self.seen + k.shape[-2])
