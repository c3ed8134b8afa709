"""SANA: relu linear attention without softmax anywhere; in video rotated, and causal by chunks with two sums.

    A_ij = R_i phi(q_i).R_j phi(k_j) / (phi(q_i).sum_m phi(k_m) + eps)          phi(x) = relu(x)

R turns pairs of channels by frame, row and column, above the fraction only: the divisor stays positive.
rotate=False is the form for pictures: relu attention.

chunk=C: a token sees all tokens of its own C frames and of all frames before; the sum over m stops there too. Two
sums then hold the past, S = sum of R_j phi(k_j) v_j^T and z = sum of phi(k_j): D (E + 1) numbers a head, however
long the clip. `step` takes one chunk. Inside a chunk later frames are seen. Chunks of unequal length are given by
their first frames, chunk=(0, 1, 4); chunk=0: no order. Prefix tokens belong to the first chunk.

version=2: q and k stand above without relu, key j is weighted by a gate, A_ij = R_i q_i.R_j k_j b_j / the same
divisor, and a norm over the channels of each head follows. `beta=` of the map is b, (B, H, S, 1), by default 1/2.

Gained: a clip is made chunk after chunk with a memory that does not grow.
Lost: rotation makes shares into signed weights that sum to anything; the length of the query cancels. The gate of
version 2 stands above only: a closed key makes the row sum smaller. The norm divides the divisor out again.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: D; by chunks at most sum_c min(N_c, D).
Xie et al., 2024, arXiv 2410.10629; video: arXiv 2509.24695; version 2: code only. The code that makes long clips
keeps the sums of all chunks and adds them up for every chunk, so its memory grows; one running sum would do.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, rms_norm

from ..maps import CausalBlocks, Features, Map, RotatedKernel, State, rotate_pairs
from ..settings import Setting, Switch, Whole
from ._rotation import clip_angles
from .base import Kernel, Project

EPS_NORM = 1e-5


class Sana(Kernel):
    """`rotate`, `chunk` and `version` as above; `channels` is the width of x, of which a layer gates the output."""

    name, title = "sana", "SANA"
    paper = "Xie et al., 2024, arXiv 2410.10629"
    cost, rank, year = "N D E", "D; chunk: sum min(N_c, D)", 2024
    positional = True
    eps = 1e-8
    settings = {"rotate": Setting(Switch(), "Rotated positions"), "chunk": Setting(Whole(0, 64), "Frames per chunk"),
                "version": Setting(Whole(1, 2), "Version")}

    def build(self, rotate: bool = True, chunk: int | tuple[int, ...] | list[int] = 0, version: int = 1,
              channels: int | None = None) -> None:
        starts = [0, chunk] if isinstance(chunk, int) else list(chunk)
        if version not in (1, 2) or starts[:1] != [0] or (chunk and starts != sorted({*starts})):
            raise ValueError("version is 1 or 2, and chunk a number of frames, 0 for no order, or the first frames of "
                             f"all chunks, rising from 0; got version={version!r}, chunk={chunk!r:.60}")
        if chunk and self.key_grid != self.grid:
            raise ValueError("chunks need queries and keys on one grid; leave out chunk or key_grid")
        self.rotate, self.chunk, self.version = rotate, chunk, version
        self.signed, self.linear = rotate or version == 2, version == 1
        if version == 2:
            self.norm = nn.Parameter(torch.ones(self.value_width))
            self.output_gate = nn.Linear(channels, self.heads * self.value_width) if channels else None

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return q.relu(), k.relu()

    def chunk_numbers(self) -> Tensor:
        """The chunk of every token: (N,)."""
        starts = range(0, self.grid.T, self.chunk) if isinstance(self.chunk, int) else self.chunk
        number = (self.grid.places()[:, :1] >= torch.tensor(starts)).sum(-1) - 1
        return pad(number, (self.grid.prefix, 0))

    def factors(self, q: Tensor, k: Tensor, v: Tensor, beta: Tensor | None) -> tuple[Features, Features]:
        """The features above the fraction, not rotated yet, and those below it."""
        if beta is not None and self.version == 1:
            raise ValueError("beta weights the keys of version=2 only")
        below = self.gated(Features(*self.features(q, k)), v)
        return below if self.version == 1 else replace(below, q=q, k=k * (0.5 if beta is None else beta)), below

    def angles(self, device: torch.device) -> list[Tensor]:
        """By how much R turns the pairs of channels of queries and of keys."""
        return [clip_angles(self.width * self.rotate, grid, device) for grid in (self.grid, self.key_grid)]

    def map(self, q: Tensor, k: Tensor, v: Tensor, beta: Tensor | None = None) -> Map:
        if not (self.signed or self.chunk):
            return super().map(q, k, v)
        self.seat(q, k)
        (above, below), angles = self.factors(q, k, v, beta), self.angles(q.device)
        if not self.chunk:
            return RotatedKernel(below, self.normaliser, angles, self.width, above)
        chunk, (up_q, up_k) = self.chunk_numbers().to(q.device), map(rotate_pairs, above.gated(), angles)
        divisor = self.normaliser(CausalBlocks(*below.gated(), chunk).apply(torch.ones_like(k[..., :1])))
        return CausalBlocks(up_q / divisor, up_k, chunk, stochastic=not self.signed)

    def finish(self, o: Tensor, q: Tensor) -> Tensor:
        return o if self.version == 1 else rms_norm(o, o.shape[-1:], self.norm, EPS_NORM)

    def close(self, o: Tensor, x: Tensor, out: Project) -> Tensor:
        if self.version == 1 or self.output_gate is None:
            return out(o)
        return out(o * self.output_gate(x).sigmoid().unflatten(-1, (self.heads, -1)).transpose(1, 2))

    def step_tokens(self, seen: int) -> int:
        if not self.chunk:
            raise ValueError("only the form that is causal by chunks of frames has a step; make it with chunk=1")
        if seen >= len(self.grid):
            raise ValueError(f"the clip has ended: all {seen} tokens of {self.grid} have been seen")
        return int((self.chunk_numbers() == self.chunk_numbers()[seen]).sum())

    def step(self, state: Any, q: Tensor, k: Tensor, v: Tensor, **context: Any) -> tuple[State, Tensor]:
        """From the sums over all chunks before, and the next chunk, to the sums with it and its output."""
        state = State.empty(q, v, self.width) if state is None else state
        now = slice(state.seen, state.seen + q.shape[-2])
        above, below = (x.gated() for x in self.factors(q, k, v, context.get("beta")))
        up_q, up_k = (rotate_pairs(x, turn[now]) for x, turn in zip(above, self.angles(q.device), strict=True))
        state = State(state.S + up_k.mT @ v, state.z + below[1].sum(-2), now.stop)
        return state, self.finish(up_q @ state.S / self.normaliser(below[0] @ state.z.unsqueeze(-1)), q)
