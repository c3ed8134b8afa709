"""Softmax attention: every query is compared with every key, and the scores become a probability distribution.

    S_ij = q_i.k_j / sqrt(D)        A_ij = exp(S_ij) / sum_l exp(S_il)        o_i = sum_j A_ij v_j

The exponential concentrates the weights: a key whose score is 5 higher gets 148 times the weight. It also causes
the cost: exp of a sum over channels does not split into a part of i and a part of j, so no bracket can be moved
and every pair (i, j) has to be computed.

Gained: any row is possible; the scores have rank D, but their exponential does not.
Lost: N x S pairs. For a picture N grows with the square of its side, so the pairs grow with the fourth power;
for a clip that grows in all three directions, with the sixth.
The factor 1/sqrt(D) keeps the scores near one for random q and k; without it rows saturate.
Several heads do this side by side, each on its own D channels; H D = C in the usual layer.
causal=True: key j > i is forbidden to query i. map(q, k, v, bias=) adds to the scores: -inf is a mask.

Cost: O(N S D) time; O(N D) memory if rows are computed when they are used.   Rank: up to min(N, S).
Vaswani et al., 2017, arXiv 1706.03762. Code: torch.nn.functional.scaled_dot_product_attention.
"""
from torch import Tensor

from ..maps import Scores
from .base import Mechanism
from .inputs import Given


class Softmax(Mechanism):
    """Softmax over keys of q.k; `scale` replaces 1/sqrt(D)."""

    name, title, family = "softmax", "softmax", "softmax"
    paper = "Vaswani et al., 2017, arXiv 1706.03762"
    year = 2017
    cost, rank, after = "N S D", "min(N, S)", "additive"
    takes_causal = True

    def build(self, scale: float | None = None) -> None:
        self.scale = scale

    def map(self, q: Tensor, k: Tensor, v: Tensor, bias: Given | None = None) -> Scores:
        return Scores(q, k, bias, self.scale, self.causal)
