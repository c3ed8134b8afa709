"""Agent attention: a few agents ask on behalf of all queries, and every query asks the agents.

    a_n  = mean of q over part n of the picture               n = 1..M, a coarse grid of agents
    U_in = softmax_n (q_i.a_n / sqrt(D) + b_in)               which agents query i listens to
    W_nj = softmax_j (a_n.k_j / sqrt(D) + c_nj)               what agent n has found
    A_ij = sum_n U_in W_nj

Two softmaxes and no table of pairs: as a formula, linear attention whose features are softmaxes. phi(q_i) = U_i
depends on all queries, since agents are averages of queries: a row changes when another query changes.

Gained: both factors sharpen with the length of q and k, as in softmax, and the rows are probability distributions.
Lost: all rows are mixtures of M maps, so rank A <= M, and its effective rank can be far lower.
Linformer pools keys; here all keys stay, and queries are pooled. Agents are pooled over all frames of a clip.
b and c are learned tables that start at 0. +conv adds a depthwise convolution of v, with one kernel for each
channel of each head.

Cost: O(N M D + N M E) time, O(N M) memory.   Rank: at most M; with +conv up to N.
Han et al., 2023, arXiv 2312.08874: M = 49. The official code stretches 7 x 7 tables and adds one per row and one per
column; linviz keeps one number for each agent and token. Prefix tokens are not pooled.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from ..grid import Grid
from ..maps import Factored, Map, Scores
from ..settings import Setting, Whole
from ._branches import Convolved


class Agent(Convolved):
    """`agents` is the side of the coarse grid (M = agents^2, or fewer); `side` is that of +conv."""

    name, title, family = "agent", "Agent", "low-rank"
    paper = "Han et al., 2023, arXiv 2312.08874"
    cost, rank, year, after = "N M D + N M E", "M; +conv: N", 2023, "softmax"
    fixed = positional = True
    settings = {"agents": Setting(Whole(1, 64), "Agents per side")}

    def build(self, agents: int = 7, side: int = 3) -> None:
        if agents < 1:
            raise ValueError(f"agents is the side of a grid of agents, at least 1; got {agents}")
        self.agents = agents
        self.set_side(side)
        M = len(self.agent_grid(self.grid))
        self.b = nn.Parameter(torch.zeros(self.heads, len(self.grid), M))
        self.c = nn.Parameter(torch.zeros(self.heads, M, len(self.key_grid)))

    def agent_grid(self, grid: Grid) -> Grid:
        """The grid of the agents for tokens on this grid: never finer than the grid itself."""
        return Grid(1, min(self.agents, grid.Y), min(self.agents, grid.X))

    def pool_queries(self, q: Tensor) -> Tensor:
        """The agents (B, H, M, D): averages of q over parts of the picture and over frames."""
        small = self.agent_grid(self.grid)
        picture = self.grid.fold(q.flatten(0, 1)).mean(1).movedim(-1, 1)  # (B*H, D, Y, X)
        return adaptive_avg_pool2d(picture, (small.Y, small.X)).flatten(2).mT.unflatten(0, q.shape[:2])

    def tables(self) -> tuple[Tensor, Tensor]:
        """b (H, N, M) and c (H, M, S) for the current grid."""
        if self.grid == self.built:
            return self.b, self.c
        agents = self.agent_grid(self.grid).within(self.agent_grid(self.built), self.b.device)
        return self.corner(self.b, 1)[..., agents], self.corner(self.c, 2)[:, agents]

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        self.seat(q, k)
        a, (b, c) = self.pool_queries(q), self.tables()
        choice, found = Scores(q, a, b).dense(), Scores(a, k, c).dense()
        return self.add_branch(Factored(choice, found.mT))
