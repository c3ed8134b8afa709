"""Efficient attention: D templates look at the whole picture once, every query mixes what they saw.

    G = softmax_over_positions(k)^T v          (D, E): one context vector a channel of k
    o_i = softmax_over_channels(q_i) G

A channel of k, softmaxed over positions, is a template map: where this channel looks. A query does not
look at positions any more, it chooses among D templates. The map is their product,

    A_ij = sum_d softmax_d(q_i)_d softmax_j(k)_jd

whose rows sum to one without a normaliser: each template sums to one and the choice does.

Gained: no N x N table, and shares without dividing by a row sum.
Lost: all queries share D maps, so rank A <= D. It is not softmax(q k^T): "mathematically equivalent" holds
only for the variant that scales q and k by 1/sqrt(N) instead; the softmax form is an approximation.
There is no causal form in the paper: the softmax over positions sees the future.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D.
Shen et al., 2018, arXiv 1812.01243; no 1/sqrt(D), as in the official code.
"""
from torch import Tensor

from ..maps import Factored
from .base import Mechanism


class Efficient(Mechanism):
    """Softmax over channels of q, over positions of k."""

    name, title, family = "efficient", "efficient", "low-rank"
    paper = "Shen et al., 2018, arXiv 1812.01243"
    cost, rank = "N D E", "D"

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored:
        return Factored(q.softmax(-1), self.templates(k))

    def templates(self, k: Tensor) -> Tensor:
        """The D template maps, one a channel: (B, H, S, D), each summing to one over positions."""
        return k.softmax(-2)

    def context(self, k: Tensor, v: Tensor) -> Tensor:
        """The D global context vectors: (B, H, D, E)."""
        return self.templates(k).mT @ v
