"""SLA: softmax for the few pairs of blocks that matter, linear attention for all others.

    A_ij = alpha e_ij / sum_m e_im          e_ij = exp(q_i.k_j / sqrt(D))     j, m in blocks that the block of i keeps
    A_ij = (1 - alpha) f_ij / sum_m f_im    f_ij = phi(q_i).phi(k_j)          j, m in all other blocks

Softmax weights are a few large ones, of high rank, and many small ones, of very low rank. Tokens are cut into
blocks. Block b of queries scores a block c of keys by mean q . mean k and keeps the best part `keep` of the blocks,
at least one, exactly; all others cost only the D x E sums of linear attention.
phi: softmax over channels, elu1 (elu + 1) or relu. Where the others are none, or sum to nothing, alpha counts as 1.

alpha=1 is the softmax part alone, alpha=0 the linear part alone: each a map whose rows sum to one.
Here alpha is one number. In SLA itself, o = A_1 v + (A_0 v) W + c with a learned W that mixes the channels and
starts at zero: no map that all channels share. In SLA2 alpha is learned, and the blocks are chosen by a network.

Gained: sharp rows at a part of the cost, and nothing is out of sight. With alpha the rows are shares.
Lost: the linear part does not know what the other took, so its rows are normalised apart; at W = 0 it does nothing.
All queries of a block keep the same blocks: in raster order these would be strips, so boxes of the grid are taken.

Cost: O(keep N S (D + E) + N D E).   Rank: up to N; the linear part at most D for each block of queries.
Zhang et al., 2025, arXiv 2509.24006: keep = 0.2, 64 tokens a block; SLA2: arXiv 2602.12675. In the main code the
linear part goes over all keys, and kept ones count in both; where `keep` rounds down to no block, none is left. The
code also subtracts the mean of all keys from mean k, which moves all scores of b alike and changes no choice.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import elu

from ..grid import Grid
from ..maps import FactoredBlocks, Map, Sum, Tiles, gather_rows
from ..maps.factored_blocks import block_table, take_blocks
from ..settings import Number, Setting, Whole, Word
from ._grid_blocks import block_count, block_numbers
from .base import Mechanism

FEATURES = {"softmax": lambda x: x.softmax(-1), "elu1": lambda x: elu(x) + 1, "relu": torch.relu}
LEAST = 1e-20  # a smaller sum of the others counts as none


class Sla(Mechanism):
    """`keep` and `alpha` from 0 to 1; `block` is the side of a block, `frames` its length (None: the clip's).

    `query_block` is the side of the blocks of queries, if it is another; `features` is one of FEATURES.
    """

    name, title, family, year = "sla", "SLA", "softmax", 2025
    paper = "Zhang et al., 2025, arXiv 2509.24006"
    cost, rank, after = "N S D + N D E", "min(N, S)", "softmax"
    positional = True
    settings = {"alpha": Setting(Number(0.0, 1.0), "Softmax part"), "keep": Setting(Number(0.0, 1.0), "Blocks kept"),
                "block": Setting(Whole(1, 64), "Side of a block"), "features": Setting(Word(*FEATURES), "Features")}

    def build(self, alpha: float = 0.5, keep: float = 0.25, block: int = 4, frames: int | None = 1,
              query_block: int | None = None, features: str = "softmax") -> None:
        sides = (block, frames or 1, query_block or block)
        if not 0 <= alpha <= 1 or not 0 <= keep <= 1 or min(sides) < 1 or features not in FEATURES:
            raise ValueError("alpha and keep lie from 0 to 1, block, frames and query_block are at least 1, features "
                             f"is one of {', '.join(FEATURES)}; got {alpha}, {keep}, {block}, {frames}, {query_block}, "
                             f"{features!r}")
        self.alpha, self.keep, self.frames, self.phi = alpha, keep, frames, FEATURES[features]
        self.block, self.query_block = block, query_block or block

    def tables(self, grid: Grid, side: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens of every block (blocks, L), and the block of every token (N,)."""
        number = block_numbers(grid, side, self.frames, like.device)
        return block_table(number, block_count(grid, side, self.frames))[0], number

    def chosen_blocks(self, q: Tensor, k: Tensor, queries: Tensor, keys: Tensor) -> Tensor:
        """The blocks of keys that each block of queries keeps: (B, H, blocks of queries, K). In float64."""
        q, k = q.detach().double(), k.detach().double()
        centres = [take_blocks(x, table).sum(-2) / (table < x.shape[-2]).sum(-1, keepdim=True)
                   for x, table in ((q, queries), (k, keys))]
        return (centres[0] @ centres[1].mT).topk(max(1, int(self.keep * len(keys))), sorted=False).indices

    def softmax_part(self, q: Tensor, k: Tensor, queries: Tensor, keys: Tensor, kept: Tensor) -> Tiles:
        """A softmax over the kept keys: one tile for each block of queries."""
        N, S = q.shape[-2], k.shape[-2]
        seen = keys[kept].flatten(-2)  # (B, H, blocks of queries, K L)
        scores = take_blocks(q, queries) @ gather_rows(k, seen.clamp(max=S - 1)).mT * self.width ** -0.5
        weights = scores.masked_fill((seen == S)[..., None, :], -torch.inf).softmax(-1)
        weights = weights.masked_fill((queries == N)[..., None], 0)
        return Tiles(queries.expand(*kept.shape[:2], -1, -1), seen.clamp(max=S - 1), weights, (N, S))

    def linear_part(self, q: Tensor, k: Tensor, query_block: Tensor, key_block: Tensor, kept: Tensor) -> FactoredBlocks:
        """Linear attention over the keys that are not kept; a row without any is empty."""
        phi_q, phi_k = self.phi(q), self.phi(k)
        others = phi_q.new_ones(*kept.shape[:-1], int(key_block.max()) + 1).scatter(-1, kept, 0)
        sums = FactoredBlocks(phi_q, phi_k, query_block, key_block, others).apply(torch.ones_like(phi_k[..., :1]))
        left = (phi_q / sums.clamp(min=LEAST)).masked_fill(sums < LEAST, 0)
        return FactoredBlocks(left, phi_k, query_block, key_block, others)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        self.seat(q, k)
        queries, query_block = self.tables(self.grid, self.query_block, q)
        keys, key_block = self.tables(self.key_grid, self.block, k)
        kept = self.chosen_blocks(q, k, queries, keys)
        few = self.softmax_part(q, k, queries, keys, kept)
        if self.alpha == 1:
            return few
        rest = self.linear_part(q, k, query_block, key_block, kept)
        if self.alpha == 0:
            return rest
        empty = ~rest.left.any(-1, keepdim=True)
        few.weights = few.weights * take_blocks(torch.full_like(q[..., :1], self.alpha).masked_fill(empty, 1), queries)
        rest.left = rest.left * (1 - self.alpha)
        return Sum(few, rest, stochastic=True)
