"""MHLA: one summary of the keys for each block of tokens, and every block of queries mixes them in its own way.

    S_b = sum over the tokens j of block b of phi(k_j) v_j^T         phi(x) = relu(x) + 1e-6
    A_ij = C_b(i),b(j) phi(q_i).phi(k_j) / (sum_m C_b(i),b(m) phi(q_i).phi(k_m) + 1e-6)

In linear attention all queries read one D x D summary. Here the tokens are cut into M blocks, each with a summary
of its own, and C (M x M, learned, between 0 and 1) says how much a query of block b(i) takes from block b(j). C of
ones is linear attention, C = identity is attention inside each block.

As a kernel: phi(q_i) times the row C_b(i) and phi(k_j) times the unit vector of b(j), M D features each.

Gained: a rank of up to M D, and weights that depend on where the blocks lie, while every query can reach all blocks.
Lost: rank is not concentration: entropy hardly falls as the rank grows. The tables C fix the grid.
mixing="distance" starts C with 1 - distance of the centres / longest distance, divided by its column sums; "ones"
and "identity" are the two limits. Prefix tokens are a block of their own, with the mean of C.
rotate=True, as in its video form: phi is rotated by frame, row and column above the fraction only; weights can then
be negative.

Cost: O(N D E + M^2 D E) block by block; O(N M D E) as a kernel, which linviz does.   Rank: at most M D.
MHLA, 2026, arXiv 2601.07832. In the public code, each summary is normalised by the query at the same place of
another block, so rows do not sum to one (a fault; the video form divides it out again by a norm after the map).
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from ..grid import Grid
from ..maps import Features, Map, RotatedKernel
from ..settings import Setting, Switch, Whole, Word
from ._grid_blocks import block_count, block_grid, block_numbers
from ._rotation import clip_angles
from .base import Kernel

FLOOR = 1e-6  # added to relu
MIXING = ("distance", "ones", "identity")


class Mhla(Kernel):
    """`block` is the side of a block (None: a quarter of the longer side), `frames` its length (None: the clip's)."""

    name, title = "mhla", "MHLA"
    paper = "MHLA, 2026, arXiv 2601.07832"
    cost, rank, year = "N M D E", "M D", 2026
    fixed = positional = True
    takes_key_grid = False
    settings = {"block": Setting(Whole(1, 1024, none=True), "Side of a block"),
                "mixing": Setting(Word(*MIXING), "Mixing"), "rotate": Setting(Switch(), "Rotated positions")}

    def build(self, block: int | None = None, frames: int | None = None, mixing: str = "distance",
              rotate: bool = False) -> None:
        block = -(-max(self.grid.Y, self.grid.X) // 4) if block is None else block
        if min(block, 1 if frames is None else frames) < 1 or mixing not in MIXING:
            raise ValueError(f"block and frames are at least 1, mixing one of {', '.join(MIXING)}; "
                             f"got {block}, {frames}, {mixing!r}")
        self.block, self.frames, self.rotate, self.signed = block, frames, rotate, rotate
        self.C = nn.Parameter(first_mixing(self.block_grid(self.grid), mixing))

    def block_grid(self, grid: Grid) -> Grid:
        """The grid of the blocks of this grid; blocks at the border may be smaller."""
        return block_grid(grid, self.block, self.frames)

    def block_numbers(self, grid: Grid, device: torch.device | None = None) -> Tensor:
        """The block of every token: (N,); prefix tokens have the number after the last block."""
        return block_numbers(grid, self.block, self.frames, device)

    def mixing(self) -> Tensor:
        """C (M, M) between 0 and 1 for the current grid, with the row and the column of the prefix if there is one."""
        C: Tensor = self.C
        if self.grid != self.built:
            here = self.block_grid(self.grid).within(self.block_grid(self.built), C.device)
            C = C[here][:, here]
        C = C.clamp(0, 1)
        return _with_prefix(C) if self.grid.prefix else C

    @property
    def features_wide(self) -> int:
        return self.width * block_count(self.grid, self.block, self.frames)

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return self.spread(q.relu() + FLOOR, k.relu() + FLOOR)

    def spread(self, phi_q: Tensor, phi_k: Tensor) -> tuple[Tensor, Tensor]:
        """phi times the row of C, and phi in the place of the own block: (B, H, N, M D)."""
        self.seat(phi_q, phi_k)
        C, b = self.mixing().to(phi_q.dtype), self.block_numbers(self.grid, phi_q.device)
        own = one_hot(b, len(C)).to(phi_k)
        return ((C[b].unsqueeze(-1) * phi_q.unsqueeze(-2)).flatten(-2),
                (own.unsqueeze(-1) * phi_k.unsqueeze(-2)).flatten(-2))

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        if not self.rotate:
            return super().map(q, k, v)
        features, angles = self.gated(Features(*self.features(q, k)), v), clip_angles(self.width, self.grid, q.device)
        return RotatedKernel(features, self.normaliser, (angles, angles), self.width)  # each block's features alike


def first_mixing(blocks: Grid, kind: str) -> Tensor:
    """C before training: (M, M)."""
    M, centres = len(blocks), blocks.places().double()
    if kind != "distance":
        return torch.eye(M) if kind == "identity" else torch.ones(M, M)
    distance = torch.cdist(centres, centres)
    near = 1 - distance / distance.max().clamp_min(1e-9)
    return (near / near.sum(0)).to(torch.get_default_dtype())


def _with_prefix(C: Tensor) -> Tensor:
    """C with a row and a column more, both its mean."""
    mean = C.mean()
    return torch.cat([torch.cat([C, mean.expand(len(C), 1)], 1), mean.expand(1, len(C) + 1)], 0)
