"""Linear attention: replace exp(q.k) by a product of features.

    sim(q, k) = phi(q).phi(k)         phi(x) = elu(x) + 1 > 0
    o_i = phi(q_i) [ sum_j phi(k_j) v_j^T ]  /  phi(q_i) [ sum_j phi(k_j) ]

Neither bracket depends on i: compute both once and use them for every query. The N x N table never exists.

Gained: time and memory grow with N, not with its square. In causal order the brackets are running sums,
S_i = S_{i-1} + phi(k_i) v_i^T and z_i = z_{i-1} + phi(k_i), so the same attention, to the last digit, is a
recurrent network (`step`). Its state has D E + D numbers after one token and after a million.
Lost: A = L R^T with L, R of shape N x D, so rank A <= D, whatever the length of the clip. Without the
exponential no single key can take over a row: phi is positive, so every key keeps some weight.
elu + 1 does not approximate the exponential of a product; it only keeps the weights positive.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D; causal: up to N.
Katharopoulos et al., 2020, arXiv 2006.16236. No 1/sqrt(D). The official code adds 1e-6 to a row sum, so
rows sum to slightly less than one; linviz does the same.
"""
from torch import Tensor

from ..maps import elu_plus_one
from .base import Kernel


class Linear(Kernel):
    """phi(x) = elu(x) + 1."""

    name, title = "linear", "linear (elu + 1)"
    paper = "Katharopoulos et al., 2020, arXiv 2006.16236"
    cost, rank, after = "N D E", "D", "softmax"
    takes_causal, tokenwise, year = True, True, 2020

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return elu_plus_one(q), elu_plus_one(k)
