"""A map that is computed in float64 whatever q and k are, where large terms cancel; its answers are rounded once."""
from __future__ import annotations

from typing import Any

from torch import Tensor

from .base import Map


class Float64Map(Map):
    """`inner` in float64, with all numbers but the singular values in the dtype of `like`.

    >>> import torch
    >>> from linviz.maps import Dense
    >>> a = Float64Map(Dense(torch.eye(2, dtype=torch.float64)), like=torch.zeros(()))
    >>> a.dtype, a.dense().dtype, a.apply(torch.ones(2, 1)).dtype
    (torch.float32, torch.float32, torch.float32)
    """

    def __init__(self, inner: Map, like: Tensor) -> None:
        self.inner, self.sample, self.shape = inner, like, inner.shape
        self.stochastic, self.rank_bound = inner.stochastic, inner.rank_bound

    @property
    def like(self) -> Tensor:
        return self.sample

    @property
    def tolerance(self) -> float:
        return self.inner.tolerance

    def apply(self, v: Tensor) -> Tensor:
        return self.inner.apply(v.double()).to(v.dtype)

    def take_rows(self, i: Tensor) -> Tensor:
        return self.inner.take_rows(i).to(self.sample.dtype)

    def column_sums(self) -> Tensor:
        return self.inner.column_sums().to(self.sample.dtype)

    def centred(self) -> Map:
        return Float64Map(self.inner.centred(), self.sample)

    def singular_values(self, top: int | None = None) -> Tensor:
        return self.inner.singular_values(top)

    def wire(self, at: Any = (0, 0)) -> dict[str, Any]:
        return self.inner.wire(at)
