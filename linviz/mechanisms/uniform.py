"""Uniform attention: everybody looks at everybody alike. The control that has no attention at all.

    A_ij = 1 / S        o_i = mean_j v_j

Every query gets the same mean of the values, whatever it asks. A method that does no better than this does
not use its attention; a map that measures like this one is flat: log2 S bits, S effective tokens.

Gained: a zero to measure from.   Lost: everything else.

Cost: O(S E) time and memory.   Rank: 1, every row is the same row.
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
