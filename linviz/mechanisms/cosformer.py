"""cosFormer: a ReLU keeps weights non-negative as softmax does, and a cosine of the distance concentrates them.

    s_ij = relu(q_i).relu(k_j) cos(pi (i - j) / 2M)      M = max(N, S)      A_ij = s_ij / max(sum_l s_il, eps)
    cos(a_i - a_j) = sin a_i sin a_j + cos a_i cos a_j
    phi(x_i) = [relu(x_i) sin a_i; relu(x_i) cos a_i]    a_i = pi i / 2M

The cosine of a difference is a product of features of i and of j, so the brackets can be moved as in any
kernel. The cosine is 1 at distance zero and falls to almost 0 at the far end: far tokens are suppressed, but
nothing here approximates softmax.

Gained: locality without a window, at the cost of a kernel; rank up to 2 D, where the ReLU alone has D.
Lost: the decay with distance is fixed, the same for every token and head. A query without a positive channel
is dead. A picture has no order: the token number i runs along the rows, so the patch below is as far away as a
whole row, and the last patch of a row is next to the first of the following row. axes="2d" (an extension by
linviz) multiplies one cosine for the row and one for the column; "3d" adds one for the frame. Each axis doubles
the width of phi. With "2d" and "3d" a prefix token has the middle position.

Cost: O(N D E) time, O(D E) memory; 2, 4, 8 times that for 1, 2, 3 axes.   Rank: at most 2 D (4 D, 8 D).
Qin et al., 2022, arXiv 2202.08791. As in the official code: no 1/sqrt(D), and eps 1e-6 as the least row sum.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from ..grid import Grid
from ..maps import Normaliser
from ..settings import Setting, Word
from .base import Kernel

AXES = {"1d": 1, "2d": 2, "3d": 3}


class CosFormer(Kernel):
    """`axes`: "1d" along the token number, "2d" by row and column, "3d" by frame, row and column."""

    name, title, year = "cosformer", "cosFormer", 2022
    paper = "Qin et al., 2022, arXiv 2202.08791"
    cost, rank, after = "N D E", "2 D; 2d: 4 D; 3d: 8 D", "relu"
    takes_causal, positional = True, True
    settings = {"axes": Setting(Word(*AXES), "Axes")}

    def build(self, axes: str = "1d") -> None:
        if axes not in AXES:
            raise ValueError(f"axes is one of {', '.join(AXES)}; got {axes!r}")
        self.axes = axes

    @property
    def features_wide(self) -> int:
        return self.width * 2 ** AXES[self.axes]

    @property
    def normaliser(self) -> Normaliser:
        return Normaliser("clamp", self.eps)

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        if self.axes != "1d":
            self.seat(q, k)
        longest = max(len(self.grid), q.shape[-2], k.shape[-2])
        return (cosine_features(q, self.angles(self.grid, q, longest)),
                cosine_features(k, self.angles(self.key_grid, k, longest)))

    def features_after(self, seen: int, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        N = len(self.grid)
        if seen >= N:
            raise ValueError(f"the cosine spans the {N} tokens of {self.grid}, and all of them have been seen")
        a = self.angles(self.grid, q.expand(*q.shape[:-2], N, -1), N)[:, seen:seen + 1]
        return cosine_features(q, a), cosine_features(k, a)

    def angles(self, grid: Grid, x: Tensor, longest: int) -> Tensor:
        """a_i of every token of x along every axis, from 0 to pi / 2: (axes, N)."""
        if self.axes == "1d":
            return math.pi / 2 * torch.arange(1, x.shape[-2] + 1, device=x.device).to(x)[None] / longest
        n = AXES[self.axes]
        share = (grid.places(x.device)[:, -n:] + 0.5).to(x) / x.new_tensor((grid.T, grid.Y, grid.X)[-n:])
        middle = x.new_full((grid.prefix, n), 0.5)
        return math.pi / 2 * torch.cat([middle, share]).mT


def cosine_features(x: Tensor, angles: Tensor) -> Tensor:
    """relu(x) (..., N, D), with its channels doubled for every axis: once times the sine, once times the cosine."""
    x = x.relu()
    for a in angles:  # (N,)
        x = (x.unsqueeze(-2) * torch.stack([a.sin(), a.cos()], -1).unsqueeze(-1)).flatten(-2)
    return x
