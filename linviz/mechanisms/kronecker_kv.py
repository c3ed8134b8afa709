"""Kronecker attention, KV form: look at the lines of a picture instead of its patches.

    k_l, v_l = mean of k_j, v_j over the j on line l          l: the Y rows and the X columns of a picture
    P_il = exp(q_i.k_l) / sum_m exp(q_i.k_m)                  o_i = sum_l P_il v_l
    so A = P Avg,  Avg_lj = 1 / length of l where j lies on l

If a picture is matrix-variate normal, the covariance of all its patches is a Kronecker product of a row
covariance and a column covariance, and the means over lines carry both up to a factor. So Y + X means stand
in for Y X patches as keys and values. Each patch still asks its own question. (k and v are linear in x, so
the key of a mean is the mean of the keys.)

Gained: N (Y + X) pairs instead of N^2; rows are shares.
Lost: the map of any query is something for its rows plus something for its columns, a plaid; a single patch
cannot be singled out. Nothing here is a Kronecker product of maps: the name is that of the covariance.
Clips: linviz's own reading takes three line averages, over all but time, all but rows and all but columns:
T + Y + X lines, a frame counted as a line. A prefix token is a line of its own. No 1/sqrt(D).

Cost: O(N (T + Y + X) (D + E)) time; T is left out of pictures.
Rank: at most Y + X - 1, in clips T + Y + X - 2: the mean of the rows is that of the columns.
Gao, Wang and Ji, 2020, arXiv 2007.08442. No public code of this form was found.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..grid import Grid
from ..maps import Factored
from .base import Mechanism


class KroneckerKV(Mechanism):
    """Softmax of every query over the means of all lines."""

    name, title, family = "kronecker_kv", "Kronecker (KV)", "low-rank"
    paper = "Gao, Wang and Ji, 2020, arXiv 2007.08442"
    cost, rank, year = "N (T + Y + X) (D + E)", "T + Y + X - 2; pictures Y + X - 1", 2020
    positional = True

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored:
        self.seat(q, k)
        mean = means(self.key_grid, q)
        return thin(Factored((q @ (mean @ k).mT).softmax(-1), mean.mT.expand(*q.shape[:2], -1, -1)), self.key_grid)


def lines(grid: Grid, like: Tensor) -> Tensor:
    """Which tokens lie on which line, 0 or 1: (L, N). Prefix tokens, frames (of a clip), rows, columns."""
    place = grid.places()
    sizes = ((0, grid.T),) * (grid.T > 1) + ((1, grid.Y), (2, grid.X))
    on = torch.cat([torch.arange(n)[:, None] == place[:, axis] for axis, n in sizes])
    return torch.block_diag(torch.eye(grid.prefix), on).to(like)


def means(grid: Grid, like: Tensor) -> Tensor:
    """The mean over every line: (L, N), rows sum to one."""
    on = lines(grid, like)
    return on / on.sum(-1, keepdim=True)


def thin(a: Factored, grid: Grid) -> Factored:
    """The same map, told that its lines depend on each other: each further axis has the mean of the first."""
    a.rank_bound = min(a.rank_bound, a.right.shape[-1] - (1 if grid.T == 1 else 2))
    return a
