"""RALA: give keys that suit the average query more weight, and multiply the output by a function of x.

    phi(x) = elu(x) + 1        g = mean_i phi(q_i)        w_j = S softmax_j(g.phi(k_j) / sqrt(D))
    A_ij = R_i phi(q_i).R_j phi(k_j) w_j  /  (sum_m phi(q_i).phi(k_m) w_m + S 1e-6)

Linear attention sums all keys into one D x D summary with equal weights. w, whose mean is 1, fills the summary with
the keys that matter for the picture as a whole; it is the same for all queries. R turns pairs of channels by row
and column above the fraction only.

Gained: a summary that is not dominated by the many, at the cost of linear attention. The product of the output
with a function of x can raise the rank of the output, token by token.
Lost: the rank of A itself stays at most D. With R, weights can be negative and rows need not sum to one;
rotate=False: rows sum to one. Frames are not told apart.
+conv adds a depthwise convolution of v, LePE, with one kernel for each channel of each head.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D; with +conv up to N.
Fan et al., 2024, arXiv 2411.07635. In a layer, the official code multiplies the output, LePE included, by a linear
function of x before the last layer. So does a layer of linviz: that function starts as the constant 1. Stages 3 and 4
of all official networks are plain softmax.
"""
from __future__ import annotations

from torch import Tensor, nn

from ..maps import Factored, Map
from ..settings import Setting, Switch
from ._branches import Convolved
from ._rotation import rotate_rows_columns
from .base import EPS, Project
from .linear import elu_plus_one


class Rala(Convolved):
    """`rotate`: positions by rotation; `modulate`: in a layer of `channels`, the product; `side` is that of +conv."""

    name, title, family = "rala", "RALA", "kernel"
    paper = "Fan et al., 2024, arXiv 2411.07635"
    cost, rank, year, after = "N D E", "D; +conv: N", 2024, "linear"
    signed = positional = True
    settings = {"rotate": Setting(Switch(), "Rotated positions")}

    def build(self, rotate: bool = True, modulate: bool = True, eps: float = EPS, side: int = 5,
              channels: int | None = None) -> None:
        self.rotate, self.signed, self.eps = rotate, rotate, eps
        self.set_side(side)
        self.modulate = Modulation(channels, self.heads * self.value_width) if channels and modulate else None

    def key_weights(self, phi_q: Tensor, phi_k: Tensor) -> Tensor:
        """w (B, H, S, 1): how well each key suits the average query; the mean of a head is 1."""
        fit = phi_k @ phi_q.mean(-2, keepdim=True).mT * self.width ** -0.5
        return fit.softmax(-2) * phi_k.shape[-2]

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Map:
        self.seat(q, k)
        phi_q, phi_k = elu_plus_one(q), elu_plus_one(k)
        phi_k = phi_k * self.key_weights(phi_q, phi_k)
        left = phi_q / (phi_q @ phi_k.sum(-2, keepdim=True).mT + k.shape[-2] * self.eps)
        if self.rotate:
            left, phi_k = rotate_rows_columns(left, self.grid), rotate_rows_columns(phi_k, self.key_grid)
        return self.add_branch(Factored(left, phi_k, stochastic=not self.rotate))

    def close(self, o: Tensor, x: Tensor, out: Project) -> Tensor:
        if self.modulate is None:
            return out(o)
        return out(o * self.modulate(x).unflatten(-1, (self.heads, -1)).transpose(1, 2))


class Modulation(nn.Linear):
    """A linear function of x that starts as the constant 1, also where a model draws all its layers again."""

    def reset_parameters(self) -> None:
        """No weight, and a bias of 1."""
        nn.init.zeros_(self.weight)
        nn.init.ones_(self.bias)
