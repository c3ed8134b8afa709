"""MLLA: Mamba's block around linear attention, with positions by rotation where Mamba has its forget gate.

    phi(x) = elu(x) + 1        R_i turns pairs of channels by the row and the column of token i
    A_ij = R_i phi(q_i) . R_j phi(k_j) / (sum_m phi(q_i).phi(k_m) + S 1e-6)

Mamba is linear attention with a forget gate, without a divisor, in another block. A forget gate needs an order, and
a picture has none. MLLA keeps the block and puts positions in the place of the gate.

Gained: positions at the cost of a product, and the map stays a product of two thin factors.
Lost: R stands above the fraction only: weights can be negative, and rows need not sum to one.
R turns pairs of all C channels before the heads are split, the first half by row and the second by column. So heads
differ: with two heads, one knows only rows and the other only columns. Frames are not told apart.
+conv adds a depthwise convolution of v, LePE, with one kernel for each channel of each head.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D; with +conv up to N.
Han et al., 2024, arXiv 2405.16605, later named MILA. In a layer v is x itself: the layer of v stands in the block
around it, with a convolution and silu. The official code takes square pictures only.
"""
from __future__ import annotations

from torch import Tensor

from ..grid import Grid
from ..maps import Factored, Map, rotate_pairs
from ._branches import Convolved
from ._rotation import place_angles
from .base import EPS, Project
from .linear import elu_plus_one


class Mlla(Convolved):
    """Rotated elu + 1 features; `eps` times the number of keys is added to the divisor; `side` is that of +conv."""

    name, title, family = "mlla", "MLLA", "kernel"
    paper = "Han et al., 2024, arXiv 2405.16605"
    cost, rank, year = "N D E", "D; +conv: N", 2024
    signed = positional = True

    def build(self, eps: float = EPS, side: int = 3) -> None:
        self.eps = eps
        self.set_side(side)

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        self.seat(q, k)
        phi_q, phi_k = elu_plus_one(q), elu_plus_one(k)
        divisor = phi_q @ phi_k.sum(-2, keepdim=True).mT + k.shape[-2] * self.eps
        left, right = self.rotate(phi_q, self.grid) / divisor, self.rotate(phi_k, self.key_grid)
        return self.add_branch(Factored(left, right, stochastic=False))

    def rotate(self, phi: Tensor, grid: Grid) -> Tensor:
        """phi (B, H, N, D), with pairs of all H D channels turned: the first half by row, the second by column."""
        pairs = phi.shape[1] * phi.shape[-1] // 2
        flat = phi.transpose(1, 2).flatten(2)  # (B, N, H*D)
        turned = rotate_pairs(flat, place_angles(grid, (0, pairs - pairs // 2, pairs // 2), device=phi.device))
        return turned.unflatten(-1, phi.shape[1::2]).transpose(1, 2)

    def project(self, x: Tensor, to_q: Project, to_k: Project, to_v: Project) -> tuple[Tensor, Tensor, Tensor]:
        return to_q(x), to_k(x), x.unflatten(-1, (self.heads, -1)).transpose(1, 2)
