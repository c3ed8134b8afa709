"""Kronecker attention, KV form: attend to the lines of a picture instead of its patches.

    k_l, v_l = mean of k_j, v_j over the j on line l          l: the Y rows and the X columns of a picture
    P_il = exp(q_i.k_l) / sum_m exp(q_i.k_m)                  o_i = sum_l P_il v_l
    so A = P Avg,  Avg_lj = 1 / length of l where j lies on l

If a picture is matrix-variate normal, the covariance of all its patches is a Kronecker product of a row
covariance and a column covariance, and the means over lines determine both up to a factor. So Y + X means
replace Y X patches as keys and values. Each patch still has its own query. (k and v are linear in x, so the key
of a mean is the mean of the keys.)

Gained: N (Y + X) pairs instead of N^2; rows are probability distributions.
Lost: the map of any query is a sum of one part per row and one part per column, a plaid pattern; no single
patch can be selected. The map is not a Kronecker product of maps: the name refers to the covariance.
Clips: linviz's own extension takes three line averages, over all axes but time, rows or columns: T + Y + X
lines, where a frame counts as a line. A prefix token is a line of its own. There is no 1/sqrt(D).

Cost: O(N (T + Y + X) (D + E)) time; for pictures without T.
Rank: at most Y + X - 1, for clips T + Y + X - 2, because the mean of the rows is also the mean of the columns.
Gao, Wang and Ji, 2020, arXiv 2007.08442. No public code of this form was found.
"""
from __future__ import annotations

import torch
from torch import Tensor

from ..grid import Grid
from ..maps import Factored
from .base import Mechanism


class KroneckerKV(Mechanism):
    """Softmax of every query over the mean keys of all lines."""

    name, title, family = "kronecker_kv", "Kronecker (KV)", "low-rank"
    paper = "Gao, Wang and Ji, 2020, arXiv 2007.08442"
    cost, rank, year, after = "N (T + Y + X) (D + E)", "T + Y + X - 2; pictures Y + X - 1", 2020, "softmax"
    positional = True

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored:
        self.seat(q, k)
        mean = line_averages(self.key_grid, q)
        right = mean.mT.expand(*q.shape[:2], -1, -1)
        return lower_rank_bound(Factored((q @ (mean @ k).mT).softmax(-1), right), self.key_grid)


def line_membership(grid: Grid, like: Tensor) -> Tensor:
    """Whether a token lies on a line, 0 or 1: (L, N). Lines: prefix tokens, frames (of a clip), rows, columns."""
    lines = torch.arange(grid.T * (grid.T > 1) + grid.Y + grid.X, device=like.device)
    on = (lines[:, None, None] == line_numbers(grid, like.device)).any(-1)
    return torch.block_diag(torch.eye(grid.prefix, device=like.device), on).to(like)


def line_numbers(grid: Grid, device: torch.device) -> Tensor:
    """The lines through every token with a position, without the prefix: (T*Y*X, 2), or 3 with its frame."""
    t, y, x = grid.places(device).unbind(-1)
    frames = grid.T if grid.T > 1 else 0
    return torch.stack([*[t] * (grid.T > 1), frames + y, frames + grid.Y + x], -1)


def line_averages(grid: Grid, like: Tensor) -> Tensor:
    """The matrix that averages over every line: (L, N), rows sum to one."""
    on = line_membership(grid, like)
    return on / on.sum(-1, keepdim=True)


def lower_rank_bound(a: Factored, grid: Grid) -> Factored:
    """The same map with a lower rank bound: the lines of each further axis have the same mean as the first."""
    a.rank_bound = min(a.rank_bound, a.right.shape[-1] - (1 if grid.T == 1 else 2))
    return a
