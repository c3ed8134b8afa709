"""A map whose scores come from a function: additive attention, concatenation, tables of position.

    A_ij = softmax_j s_ij        or   s_ij / S   ("count")        or   s_ij   ("none")

Scores are computed only for the rows that are requested.
"""
from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from .base import Map

Score = Callable[[Tensor], Tensor]  # query numbers (n,) -> scores (..., n, S)


class FunctionScores(Map):
    """`score(i)` returns the scores of the queries i. normaliser: "softmax", "count" or "none".

    `like` is any tensor with the dtype of the scores. Only with softmax are the rows probability distributions.

    >>> import torch
    >>> table = torch.zeros(4, 4)
    >>> FunctionScores(lambda i: table[i], (4, 4), table).dense()[0]
    tensor([0.2500, 0.2500, 0.2500, 0.2500])
    """

    def __init__(self, score: Score, shape: tuple[int, int], like: Tensor, normaliser: str = "softmax") -> None:
        if normaliser not in ("softmax", "count", "none"):
            raise ValueError(f"the normaliser of scores must be 'softmax', 'count' or 'none'; got {normaliser!r}")
        self.score, self.shape, self.sample, self.normaliser = score, shape, like, normaliser
        self.stochastic, self.rank_bound = normaliser == "softmax", min(shape)

    @property
    def like(self) -> Tensor:
        return self.sample

    def take_rows(self, i: Tensor) -> Tensor:
        s = self.score(i)
        return s.softmax(-1) if self.normaliser == "softmax" else s / self.shape[1] if self.normaliser == "count" else s
