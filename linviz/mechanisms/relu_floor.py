"""ReLU with a floor: the linear attention from which feature fixation starts.

    phi(x) = max(x, 0) + 1/sqrt(D)        A_ij = phi(q_i).phi(k_j) / sum_l phi(q_i).phi(k_l)

The official code calls the floor "scale", but adds it. The floor keeps every row alive: with D channels any two
tokens have phi(q_i).phi(k_j) >= D (1/sqrt(D))^2 = 1.

Gained: no dead rows, at the cost of a kernel.
Lost: every patch gets the same floor. No weight can be zero and rows stay close to uniform, which is most of
what is called "linear attention does not concentrate". This book compares two cures: drop the floor (relu),
or gate the features (+gate, feature fixation), which multiplies the floor, too. The option `floor` allows any
value between them: 0 is relu.

Cost: O(N D E) time, O(D E) memory beside input and output; a QKV gate adds O(N D (2D + E)).
Rank: at most D, with or without a gate: a gate scales the entries of the factors and adds no columns.
"Linear Video Transformer with Feature Fixation", 2022, arXiv 2210.08164; as in its official code.
"""
from torch import Tensor

from .base import Kernel


class ReluFloor(Kernel):
    """phi(x) = relu(x) + D^-1/2."""

    name, title = "relu_floor", "relu + floor"
    paper = "Linear Video Transformer with Feature Fixation, 2022, arXiv 2210.08164"
    year = 2022
    cost, rank, after = "N D E", "D", "relu"
    takes_causal = tokenwise = True

    def build(self, floor: float | None = None) -> None:
        self.floor = self.width**-0.5 if floor is None else floor
        if not 0 <= self.floor < float("inf"):
            raise ValueError(f"the floor must be a finite number of at least 0; got {floor}")

    def features(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return q.relu() + self.floor, k.relu() + self.floor
