"""Lambda layers: summarise the context as a small linear map, then apply that map to each query.

    L_i = sum_j softmax_j(k)_j v_j^T + sum_j e_(j-i) v_j^T     (D, E)            o_i = q_i L_i

The first sum does not depend on i: one content lambda for all queries. The second sum is a position lambda, one
per query, with a learned vector e of width D for every step from query to key. Written as a map:

    A_ij = q_i . (softmax_j(k)_j + e_(j-i))

This is efficient attention without the softmax on q, plus a score that depends only on q and on the step.
Heads differ in q only and share k, v and e (pass k and v with one head).

Gained: content at the cost of a kernel, and positions that the query can weight, without softmax over pairs.
Lost: rows are signed and can have any sum, so entropy is not defined; the cost of e grows with the pairs.
side=P: e for the P x P patches around i in its frame, and one constant, as in the convolution of the public
code. side=None: e for every step on the grid, including frames. Prefix tokens have no position and no e.

Cost: O(N D E + N P^2 (D + E)) time; side=None O(N S (D + E)).   Rank: content at most D, positions up to N.
Bello, 2021, arXiv 2102.08602: P = 23, 4 heads, D = 16; norms on q and v belong to the layer. Intra-depth u means
the sum of u lambdas, each with its own k, v and e.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..maps import Factored, FunctionScores, Map, Sparse, Sum, window_indices
from ._branches import step_count, step_indices
from .base import Mechanism, softmax_over_tokens


class Lambda(Mechanism):
    """A content lambda and position lambdas, in a window of `side` patches or over the whole grid (None)."""

    name, title, family = "lambda", "lambda", "low-rank"
    paper = "Bello, 2021, arXiv 2102.08602"
    cost, rank, year, after = "N D E + N P^2 (D + E)", "N; content alone D", 2021, "efficient"
    takes_key_grid, positional, signed = False, True, True

    def build(self, side: int | None = 7) -> None:
        if side is not None and (side < 1 or side % 2 == 0):
            raise ValueError(f"the window needs an odd side, or None for the whole grid; got side={side}")
        self.side = side
        entries = step_count(self.grid) if side is None else side * side
        self.e = nn.Parameter(torch.randn(entries, self.width) / self.width ** 0.5 / entries ** 0.5)
        self.constant = nn.Parameter(torch.zeros(self.width)) if side is not None else None

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Sum:
        self.seat(q, k)
        return Sum(self.content(q, k), self.position(q))

    def content(self, q: Tensor, k: Tensor) -> Factored:
        """The map of the content lambda: q_i.softmax_j(k)_j."""
        return Factored(q, softmax_over_tokens(k), stochastic=False)

    def position(self, q: Tensor) -> Map:
        """The map of the position lambdas: q_i.e_(j-i)."""
        scores = q @ self.e.mT  # (B, H, N, entries)
        if self.side is not None:
            index, inside = window_indices(self.grid, self.side, q.device)
            return Sparse(index, scores * inside, len(self.grid), stochastic=False)
        return FunctionScores(lambda i: self._stepped(scores, i), (len(self.grid),) * 2, q, "none")

    def _stepped(self, scores: Tensor, i: Tensor) -> Tensor:
        """Rows i of the position part over the whole grid: (B, H, n, N)."""
        first, N = self.grid.prefix, len(self.grid)
        rows = scores.new_zeros(*scores.shape[:2], len(i), N)
        places = self.grid.places(i.device)
        step = step_indices(places[(i - first).clamp_min(0)], places, self.built)  # from query to key
        step = step.expand(*scores.shape[:2], -1, -1)
        rows[..., first:] = scores[..., i, :].gather(-1, step) * (i >= first)[:, None].to(scores)
        return rows

    def finish(self, o: Tensor, q: Tensor) -> Tensor:
        return o if self.constant is None else o + (q @ self.constant).unsqueeze(-1)
