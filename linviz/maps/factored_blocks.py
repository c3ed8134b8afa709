"""The map of linear attention block by block: every block of queries mixes the summaries of the blocks of keys.

    A_ij = mix_b(i)b(j) left_i . right_j        S_c = sum of right_j v_j^T over block c
    o_i = left_i . sum_c mix_b(i)c S_c

A summary is an M x E matrix, whatever the size of its block, and the N x S table never exists. A mix of ones is a
factored map; a lower triangle is causal by blocks: a token sees its own block whole, and all blocks before.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from .base import Map
from .row_gathering import gather_rows


def block_table(block: Tensor, blocks: int) -> tuple[Tensor, Tensor]:
    """The tokens of every block, (blocks, L), and the place of each token in that table, (N,).

    `block` is the block of every token, (N,). Shorter blocks end with the number N, which no token has.

    >>> [x.tolist() for x in block_table(torch.tensor([1, 0, 1]), 2)]
    [[[1, 3], [0, 2]], [2, 0, 3]]
    """
    order, sizes = block.argsort(stable=True), torch.bincount(block, minlength=blocks)
    longest, sorted_blocks = int(sizes.max()), block[order]
    within = torch.arange(len(block), device=block.device) - (sizes.cumsum(0) - sizes)[sorted_blocks]
    places = torch.empty_like(order)
    places[order] = sorted_blocks * longest + within
    table = torch.full((blocks * longest,), len(block), device=block.device)
    table[places] = torch.arange(len(block), device=block.device)
    return table.unflatten(0, (blocks, longest)), places


def take_blocks(x: Tensor, table: Tensor) -> Tensor:
    """The tokens of every block, x (..., N, D) -> (..., blocks, L, D), with zeros where a shorter block has none."""
    return gather_rows(pad(x, (0, 0, 0, 1)), table)


class FactoredBlocks(Map):
    """left (..., N, M), right (..., S, M), already normalised; the blocks of queries (N,) and keys (S,).

    mix (..., blocks of queries, blocks of keys).

    >>> ones, block = torch.ones(3, 1), torch.tensor([0, 0, 1])
    >>> FactoredBlocks(ones, ones, block, block, torch.tensor([[0.5, 0.0], [0.0, 1.0]])).dense().tolist()
    [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
    """

    def __init__(self, left: Tensor, right: Tensor, query_block: Tensor, key_block: Tensor, mix: Tensor,
                 stochastic: bool = True) -> None:
        self.left, self.right, self.mix, self.stochastic = left, right, mix, stochastic
        self.query_block, self.key_block = query_block, key_block
        self.shape, M = (left.shape[-2], right.shape[-2]), left.shape[-1]
        self.queries, self.places = block_table(query_block, mix.shape[-2])
        self.keys, _ = block_table(key_block, mix.shape[-1])
        sizes = [torch.bincount(b).clamp_max(M).sum() for b in (query_block, key_block)]
        self.rank_bound = min(*self.shape, *map(int, sizes))

    @property
    def like(self) -> Tensor:
        return self.left

    def mixed(self, summaries: Tensor) -> Tensor:
        """What every block of queries reads: (..., blocks of keys, M, E) -> (..., blocks of queries, M, E)."""
        return (self.mix @ summaries.flatten(-2)).unflatten(-1, summaries.shape[-2:])

    def apply(self, v: Tensor) -> Tensor:
        summaries = take_blocks(self.right, self.keys).mT @ take_blocks(v, self.keys)
        o = take_blocks(self.left, self.queries) @ self.mixed(summaries)
        return gather_rows(o.flatten(-3, -2), self.places[None]).squeeze(-3)

    def take_rows(self, i: Tensor) -> Tensor:
        mix = self.mix[..., self.query_block[i], :][..., self.key_block]
        return self.left[..., i, :] @ self.right.mT * mix

    def singular_values(self, top: int | None = None) -> Tensor:
        """Those of a small table, from a QR of every block; of the table itself where blocks are no longer than M."""
        r1, r2 = (torch.linalg.qr(take_blocks(x, table).double(), mode="r")[1] for x, table in (
            (self.left, self.queries), (self.right, self.keys)))
        if r1.shape[-3] * r1.shape[-2] >= min(self.shape):
            return super().singular_values(top)
        cores = self.mix[..., None, None] * (r1.unsqueeze(-3) @ r2.mT.unsqueeze(-4))  # (..., blocks, blocks, M, M)
        core = cores.transpose(-3, -2).flatten(-4, -3).flatten(-2)
        return torch.linalg.svdvals(core)[..., :self.rank_bound][..., :top]

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        lead = self.left.shape[:-2]
        blocks = {"query_block": self.query_block, "key_block": self.key_block}
        return {"kind": "factored", "left": self.left[at], "right": self.right[at],
                "mix": self.mix.expand(*lead, *self.mix.shape[-2:])[at],
                **{name: x.expand(*lead, -1)[at] for name, x in blocks.items()}}


class CausalBlocks(FactoredBlocks):
    """Causal by blocks that are numbered in the order of time: a token sees the blocks up to its own. block (N,)."""

    def __init__(self, left: Tensor, right: Tensor, block: Tensor, stochastic: bool = True) -> None:
        count = int(block.max()) + 1
        super().__init__(left, right, block, block, left.new_ones(count, count).tril(), stochastic)

    def mixed(self, summaries: Tensor) -> Tensor:
        return summaries.cumsum(-3)
