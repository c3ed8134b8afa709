"""ReLU with a floor: the linear attention that feature fixation starts from.

    phi(x) = max(x, 0) + 1/sqrt(D)        A_ij = phi(q_i).phi(k_j) / sum_l phi(q_i).phi(k_l)

The official code names the floor "scale", but adds it. It keeps every row alive: with D channels any two
tokens have phi(q_i).phi(k_j) >= D (1/sqrt(D))^2 = 1.

Gained: no dead rows, and the cost of a kernel.
Lost: the same floor lights every patch: no weight can be zero, rows stay close to uniform, and that is most
of what is called "linear attention does not concentrate". Two cures stand in this book side by side: drop
the floor (relu) and gate the features (+gate, feature fixation), which multiplies the floor, too. The
option `floor` is a dose between them: 0 is relu.

Cost: O(N D E) time, O(D E) memory beside input and output; a QKV gate adds O(N D (2D + E)).
Rank: at most D, gated or not: a gate scales rows and columns of the factors, it adds none.
"Linear Video Transformer with Feature Fixation", 2022, arXiv 2210.08164; as in its official code.
"""
from torch import Tensor

from .base import Kernel


class ReluFloor(Kernel):
    """phi(x) = relu(x) + D^-1/2."""

    name, title = "relu_floor", "relu + floor"
    paper = "Linear Video Transformer with Feature Fixation, 2022, arXiv 2210.08164"
    year = 2022
    cost, rank = "N D E", "D"
    takes_causal = True

    def build(self, floor: float | None = None) -> None:
        self.floor = self.width**-0.5 if floor is None else floor
        if not 0 <= self.floor < float("inf"):
            raise ValueError(f"a floor is a number from 0 up; got {floor}")

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return q.relu() + self.floor, k.relu() + self.floor
