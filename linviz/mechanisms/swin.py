"""Swin: softmax inside windows, and in every second layer the windows are shifted.

    A_ij = softmax_j (q_i.k_j / sqrt(D) + b[place of i - place of j])      over the j in the window of i

b is a learned table with one entry per head and step between two positions. It is added whatever the content of
the patches. Windows are a scope, not part of the mechanism: swin@window:7, then swin@shifted:7. Shifted windows
are cut half a side later, so that patches separated by a border meet. "swin" alone is one window over everything.

Gained: exact softmax at a cost that grows with N for windows of a fixed side, and relative positions.
Lost: nothing crosses a window in one layer. "Linear" here means linear in N at fixed W, with softmax inside.
Windows lie in one frame; on a grid with several frames the table has an axis for steps in time, too.
Prefix tokens have no position, so their pairs have no b.

Cost: O(N S D) time; in windows of W x W, S = W^2.   Rank: up to N, window by window.
Liu et al., 2021, arXiv 2103.14030. The official code rolls the picture by -W/2, keeps all windows complete and
adds -100 to pairs that are not neighbours: the same map to e^-100. Smaller windows at the border need neither.
In both, the windows are not shifted if the picture is no larger than a window.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from ..maps import Scores, StepScores, step_scores
from ._branches import step_count, step_indices
from .base import Mechanism


class Swin(Mechanism):
    """Softmax of q.k / sqrt(D) plus a learned bias for every step between positions."""

    name, title, family = "swin", "Swin", "local"
    paper = "Liu et al., 2021, arXiv 2103.14030"
    cost, rank, year, after = "N S D", "N", 2021, "local"  # in a window S is W^2
    takes_key_grid, positional, fixed = False, True, True
    example = "swin@window:7"

    def build(self) -> None:
        self.bias = nn.Parameter(torch.empty(step_count(self.grid), self.heads))
        nn.init.trunc_normal_(self.bias, std=0.02)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Scores:
        self.seat(q, k)
        if len(self.grid) >= step_scores.LONG:
            return StepScores(q, k, self.bias, self.grid, self.built)
        places = self.grid.places(q.device)
        step = step_indices(places, places, self.built).T  # (queries, keys): the step from key to query
        bias = self.bias[step].movedim(-1, 0)  # (H, queries, keys)
        return Scores(q, k, bias=pad(bias, (self.grid.prefix, 0, self.grid.prefix, 0)))
