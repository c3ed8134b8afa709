"""Graph attention (GAT): a token attends to its neighbours along edges, and a small network scores each edge.

    e_ij = LeakyReLU(a.q_i + b.k_j)        for each edge from token i to its neighbour j
    A_ij = exp(e_ij) / sum over the neighbours l of i of exp(e_il)

The edges say who may look at whom, as a mask does; the scores say how much. By default every patch is joined with
itself, its eight neighbours in the frame, and the same patch one frame before and after. `edges=` of the map takes
any other graph: pairs (query, key), for example a mesh, a skeleton, or superpixels that touch.

Gained: cost grows with the number of edges, and any neighbourhood is possible, not only boxes.
Lost: LeakyReLU rises, so the order of the neighbours is that of b.k_j, whatever the query: all queries rank their
common neighbours alike ("static" attention). dynamic=True takes e_ij = a . LeakyReLU(q_i + k_j) instead
(GATv2), which ranks by the query. Information travels one edge per layer.
An edge that is given twice counts twice. A query without an edge has a dead row.

Cost: O(N D + W N E) time with W edges per token.   Rank: up to N.
Velickovic et al., 2017, arXiv 1710.10903; dynamic: Brody et al., 2021, arXiv 2105.14491. LeakyReLU has slope 0.2. One
public code for sparse graphs uses exp(-LeakyReLU), the opposite order: a fault.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ..grid import Grid
from ..maps import Map, Sparse, window_indices
from ..settings import Setting, Switch
from .base import Mechanism

SLOPE = 0.2


class Graph(Mechanism):
    """`dynamic`: rank the neighbours by the query. The map takes `edges` (2, M): queries and keys, int64."""

    name, title, family, year = "graph", "graph (GAT)", "graph", 2017
    paper = "Velickovic et al., 2017, arXiv 1710.10903"
    cost, rank, after = "N D + W N E", "N", "additive"
    positional, takes_key_grid = True, False
    settings = {"dynamic": Setting(Switch(), "Ranked by the query")}

    def build(self, dynamic: bool = False) -> None:
        self.dynamic = dynamic
        self.a = nn.Parameter(torch.randn(self.heads, self.width) * self.width ** -0.5)
        self.b = None if dynamic else nn.Parameter(torch.randn(self.heads, self.width) * self.width ** -0.5)

    def map(self, q: Tensor, k: Tensor, v: Tensor, edges: Tensor | None = None) -> Map:
        if edges is None:
            self.seat(q, k)
            index, there = neighbour_table(self.grid, q.device)
        else:
            index, there = edge_table(edges, q.shape[-2], k.shape[-2])
        index, there = index.to(q.device), there.to(q.device)
        scores = self.edge_scores(q, k, index).masked_fill(~there, -torch.inf)
        weights = scores.softmax(-1).where(there, torch.zeros((), dtype=q.dtype, device=q.device))
        return Sparse(index, weights, k.shape[-2])

    def edge_scores(self, q: Tensor, k: Tensor, index: Tensor) -> Tensor:
        """e (B, H, N, W) of every query with each of its neighbours index (N, W)."""
        a = self.a.unsqueeze(-1)  # (H, D, 1)
        if self.b is None:
            return (leaky_relu(q.unsqueeze(-2) + k[..., index, :], SLOPE) @ a.unsqueeze(1)).squeeze(-1)
        theirs = (k @ self.b.unsqueeze(-1)).squeeze(-1)  # (B, H, S)
        return leaky_relu(q @ a + theirs[..., index], SLOPE)


def neighbour_table(grid: Grid, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Each token's neighbours, itself among them: numbers (N, 11), and whether each exists."""
    index, there = window_indices(grid, 3, device)
    if grid.prefix:  # without a position, only the token itself
        index[:grid.prefix, 4], there[:grid.prefix, 4] = torch.arange(grid.prefix, device=device), True
    numbers, frame = torch.arange(len(grid), device=device), grid.Y * grid.X
    before, after = numbers - frame >= grid.prefix, (numbers >= grid.prefix) & (numbers + frame < len(grid))
    steps = [(numbers - frame) * before, (numbers + frame) * after]
    return torch.cat([index, torch.stack(steps, -1)], -1), torch.cat([there, torch.stack([before, after], -1)], -1)


def edge_table(edges: Tensor, queries: int, keys: int) -> tuple[Tensor, Tensor]:
    """A list of edges (2, M) as the neighbours of every query: numbers (N, W), and whether each exists."""
    if edges.ndim != 2 or len(edges) != 2 or edges.is_floating_point():
        raise ValueError("edges are pairs (query, key) of whole numbers, (2, number of edges); "
                         f"got {tuple(edges.shape)} {edges.dtype}")
    i, j = edges.long()
    if edges.numel() and not (0 <= int(i.min()) <= int(i.max()) < queries and 0 <= int(j.min()) <= int(j.max()) < keys):
        raise ValueError(f"an edge joins query 0..{queries - 1} with key 0..{keys - 1}; got queries {int(i.min())}.."
                         f"{int(i.max())}, keys {int(j.min())}..{int(j.max())}")
    order = i.argsort(stable=True)
    i, j, count = i[order], j[order], torch.bincount(i, minlength=queries)
    slot = torch.arange(len(i), device=i.device) - (count.cumsum(0) - count)[i]
    index = torch.zeros(queries, max(1, int(count.max())), dtype=torch.long, device=i.device)
    there = torch.zeros_like(index, dtype=torch.bool)
    index[i, slot], there[i, slot] = j, True
    return index, there
