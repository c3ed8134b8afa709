"""Non-local block: within a convolutional network, every position of a clip attends to every other.

    o_i = sum_j f(q_i, k_j) v_j / C       q = theta(x), k = phi(x), v = g(x): 1 x 1 x 1 convolutions
    embedded_gaussian   f = exp(q_i.k_j)         C = the row sum: softmax, and the default
    gaussian            f = exp(x_i.x_j)         the same without theta and phi
    dot                 f = q_i.k_j              C = S, the number of keys
    concatenation       f = relu(w.[q_i; k_j])   C = S

Division by S instead of the row sum keeps f linear: with the keys first, `dot` is factorized attention.
pool=2 is the sub-sampling of the paper: in each 2 x 2 square of a frame the largest value of each channel, of k
and of v, represents all four. The choice in v differs by channel, so each channel has its own map. The weight of
a square is common to all channels and is drawn evenly over the square. Incomplete rows and columns are not seen.

Gained: one layer sees the whole clip, where convolutions need many. As z = x + W o, with W zero at first, it can
be inserted into a trained network.
Lost: N S pairs. Dot and concatenation give signed or unnormalised weights, so entropy is not defined.
In concatenation each score is a part of i plus a part of j: before the relu the rank is 2.

Cost: O(N S D) time, with pool=2 S is a quarter of N.   Rank: up to min(N, S); dot: at most D.
Wang et al., 2017, arXiv 1711.07971. As in the paper there is no 1/sqrt(D); the official code has it in the
embedded Gaussian (scale=D ** -0.5).
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from ..grid import Grid
from ..maps import Factored, FunctionScores, Map, Product, Scores, Sparse
from ..settings import Setting, Whole, Word
from .base import Mechanism, Project

SIMILARITIES = ("embedded_gaussian", "gaussian", "dot", "concatenation")


class NonLocal(Mechanism):
    """`similarity` is one of SIMILARITIES; `scale` multiplies the scores of the two Gaussians; `pool` as above."""

    name, title, family, year = "nonlocal", "non-local", "softmax", 2017
    paper = "Wang et al., 2017, arXiv 1711.07971"
    cost, rank, after = "N S D", "min(N, S)", "softmax"
    settings = {"similarity": Setting(Word(*SIMILARITIES), "Similarity"),
                "pool": Setting(Whole(1, 8), "Pooling of the keys")}

    def build(self, similarity: str = "embedded_gaussian", scale: float | None = None, pool: int = 1) -> None:
        if similarity not in SIMILARITIES or pool < 1:
            raise ValueError(f"similarity is one of {', '.join(SIMILARITIES)} and pool at least 1; "
                             f"got {similarity!r} and {pool}")
        if scale is not None and "gaussian" not in similarity:
            raise ValueError(f"{similarity} divides by the number of keys; leave out scale={scale}")
        self.similarity, self.scale, self.pool = similarity, 1.0 if scale is None else scale, pool
        self.signed = "gaussian" not in similarity
        if similarity == "concatenation":
            self.w = nn.Parameter(torch.randn(self.heads, 2, self.width))  # [w_q; w_k] of each head

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        if self.similarity != "gaussian":
            return super().project(x, to_q, to_k, to_v)
        tokens = x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, N, D)
        return tokens, tokens, to_v(x)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        if self.pool == 1:
            return self.compare(q, k)
        self.seat(q, k)
        index = pooling_squares(self.key_grid, self.pool, k.device)   # (S', P)
        best = v[..., index, :].argmax(-2)          # (B, H, S', E)
        chosen = index.expand(*best.shape[:-1], -1).gather(-1, best)
        return PooledMap(self.compare(q, k[..., index, :].amax(-2)), chosen, index, k.shape[-2])

    def compare(self, q: Tensor, k: Tensor) -> Map:
        """The map over the given keys: N x S' if they have been pooled before."""
        if self.similarity == "dot":
            return Factored(q / k.shape[-2], k, stochastic=False)
        if self.similarity != "concatenation":
            return Scores(q, k, scale=self.scale)
        a, b = (torch.einsum("bhnd,hd->bhn", x, w) for x, w in zip((q, k), self.w.unbind(1)))
        shape = q.shape[-2], k.shape[-2]
        return FunctionScores(lambda i: (a[..., i, None] + b[..., None, :]).relu(), shape, q, "count")


def pooling_squares(grid: Grid, side: int, device: torch.device | None = None) -> Tensor:
    """Token numbers of every complete side x side square of a frame, (S', P); a prefix token is its own square."""
    y, x = min(side, grid.Y), min(side, grid.X)
    numbers = torch.arange(grid.prefix, len(grid), device=device).view(grid.T, grid.Y, grid.X)
    placed = numbers.unfold(1, y, y).unfold(2, x, x).flatten(-2).flatten(0, 2)
    return torch.cat([torch.arange(grid.prefix, device=device)[:, None].expand(-1, y * x), placed])


class PooledMap(Map):
    """`inner` (N, S') has the weight of each square; `chosen` (B, H, S', E) the token that a channel takes there."""

    def __init__(self, inner: Map, chosen: Tensor, index: Tensor, keys: int) -> None:
        self.inner, self.chosen, self.index, self.shape = inner, chosen, index, (inner.shape[0], keys)
        self.stochastic, self.rank_bound = inner.stochastic, min(inner.rank_bound, len(index))

    @property
    def like(self) -> Tensor:
        return self.inner.like

    @property
    def shared(self) -> Map:
        even = torch.full(self.index.shape, 1 / self.index.shape[1], dtype=self.dtype, device=self.device)
        return Product(self.inner, Sparse(self.index, even, self.shape[1]))

    def channel(self, c: int) -> Map:
        chosen = self.chosen[..., [c]]
        return Product(self.inner, Sparse(chosen, torch.ones_like(chosen, dtype=self.dtype), self.shape[1]))

    def apply(self, v: Tensor) -> Tensor:
        return self.inner.apply(v.gather(-2, self.chosen))

    def take_rows(self, i: Tensor) -> Tensor:
        raise ValueError("the largest token of a square differs by channel of v: use map.channel(c) or map.shared")
