"""ReLU linear attention without a floor: only channels that are positive in both q and k contribute.

    phi(x) = max(x, 0)        A_ij = phi(q_i).phi(k_j) / sum_l phi(q_i).phi(k_l)

The bracket moves as in every kernel: o_i = phi(q_i) [sum_j phi(k_j) v_j^T] / phi(q_i) [sum_j phi(k_j)].

Gained: a weight can be zero. Two tokens without a common positive channel do not see each other at all, so the
map can be sparse, unlike with elu + 1 or a floor. Every claim about a gate needs this method as a control.
Lost: a query without a positive channel is dead: its row is empty and its output is zero. linviz counts dead
rows and reports them as dead, not as concentrated.

Cost: O(N D E) time, O(D E) memory beside input and output.   Rank: at most D.
The feature map of cosFormer (Qin et al., 2022, arXiv 2202.08791) without its cosine.
"""
from torch import Tensor

from .base import Kernel


class Relu(Kernel):
    """phi(x) = relu(x)."""

    name, title = "relu", "relu"
    paper = "Qin et al., 2022, arXiv 2202.08791, without the cosine"
    year = 2022
    cost, rank, after = "N D E", "D", "linear"
    takes_causal = tokenwise = True

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return q.relu(), k.relu()
