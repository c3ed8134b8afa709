"""A map among tables: what numpy does with it, and one clear sentence where a tensor's method is asked of it."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

MOST_WEIGHTS = 1 << 26  # weights of a map that becomes an array of numpy


class TableCalls:
    """What a person writes who takes the map for its table: np.log(a), x @ a, a.T; the first gets its answer.

    >>> from linviz.maps import Dense
    >>> np.log(Dense(np.eye(1))).tolist()
    [[0.0]]
    """

    def __rmatmul__(self, x: Any) -> Any:
        raise TypeError("a map stands on the left, a @ v; for rows of weights times another matrix take a.dense()")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """A function of numpy, entry by entry: np.log(a)."""
        if ufunc is np.matmul:
            self.__rmatmul__(None)
        return getattr(ufunc, method)(*(np.asarray(x) if isinstance(x, TableCalls) else x for x in inputs), **options)

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """The whole table (..., N, S) for numpy; ValueError, in one sentence, where the table is too large."""
        if (count := math.prod((*self.lead, *self.shape))) > MOST_WEIGHTS:
            raise ValueError(f"this map has {count:,} weights, and at most {MOST_WEIGHTS:,} are written out for numpy: "
                             "take some rows, as in a.rows([5, 7]), or fewer tokens")
        table = self.dense().detach().cpu()
        return np.asarray((table.float() if str(table.dtype) == "torch.bfloat16" else table).numpy(), dtype=dtype)

    if not TYPE_CHECKING:  # a type checker names an unknown method itself
        def __getattr__(self, name: str) -> Any:
            """AttributeError, in one sentence, for what tensors have and maps do not: a.T, a.sum()."""
            if hasattr(Tensor, name) and not hasattr(type(self), name):
                raise AttributeError(f"a map has no {name}, as it is not a tensor: take a.dense().{name} for its whole "
                                     "table, or some of its rows, a.rows([5, 7])")
            return object.__getattribute__(self, name)  # the sentence of whatever was missing
