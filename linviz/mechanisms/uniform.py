"""Uniform attention: every query gives all keys the same weight. The control without any attention.

    A_ij = 1 / S        o_i = mean_j v_j

Every query gets the same mean of the values, whatever its content. A method that is not better than this one
makes no use of its attention. A map with the same measures as this one is flat: log2 S bits, S effective tokens.

Gained: a baseline for all comparisons.   Lost: everything else.

Cost: O(S E) time and memory.   Rank: 1, because all rows are equal.
No paper: the control used throughout this book.
"""
from torch import Tensor

from ..maps import Factored
from .base import Mechanism


class Uniform(Mechanism):
    """Every weight is 1 / S."""

    name, title, family = "uniform", "uniform", "content-free"
    paper = "control, no paper"
    cost, rank = "S E", "1"

    def map(self, q: Tensor, k: Tensor, v: Tensor) -> Factored:
        return Factored(q.new_full((*q.shape[:-1], 1), 1 / k.shape[-2]), k.new_ones((*k.shape[:-1], 1)))
