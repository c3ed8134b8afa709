"""Rows of a tensor by their numbers, and their sums by number: whole rows are copied, never number by number.

Each of the two is the gradient of the other.
"""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .leading_axes import expanded_shape


def gather_rows(x: Tensor, index: Tensor) -> Tensor:
    """The rows of x (..., N, D) that each tile names, index (..., C, P) -> (..., C, P, D).

    >>> gather_rows(torch.tensor([[1.0], [2.0]]), torch.tensor([[1, 1, 0]])).flatten().tolist()
    [2.0, 2.0, 1.0]
    """
    lead, (N, D) = expanded_shape(x.shape[:-2], index.shape[:-2]), x.shape[-2:]
    rows: Tensor = _Rows.apply(x.expand(*lead, N, D).reshape(-1, D), _numbers(index, lead, N))
    return rows.view(*lead, *index.shape[-2:], D)


def sum_rows(o: Tensor, index: Tensor, count: int) -> Tensor:
    """For each of `count` numbers the sum of the rows of o (..., C, P, D) that have it, index (..., C, P).

    >>> sum_rows(torch.tensor([[[1.0], [2.0], [4.0]]]), torch.tensor([[1, 1, 0]]), 3).flatten().tolist()
    [4.0, 3.0, 0.0]
    """
    lead = expanded_shape(o.shape[:-3], index.shape[:-2])
    rows = o.expand(*lead, *o.shape[-3:]).reshape(-1, o.shape[-1])
    sums: Tensor = _Sums.apply(rows, _numbers(index, lead, count), math.prod(lead) * count)
    return sums.view(*lead, count, o.shape[-1])


def _numbers(index: Tensor, lead: tuple[int, ...], count: int) -> Tensor:
    """Row numbers in a tensor whose leading axes are flat."""
    first = torch.arange(math.prod(lead), device=index.device).view(*lead, 1, 1) * count
    return (index + first).flatten()


class _Rows(Function):
    """x (n, D) and row numbers (m,) -> (m, D)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, rows: Tensor) -> Tensor:
        return x.index_select(0, rows)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])
        ctx.count = len(inputs[0])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return _Sums.apply(grads[0], ctx.saved_tensors[0], ctx.count), None


class _Sums(Function):
    """o (m, D) and row numbers (m,) -> (count, D)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(o: Tensor, rows: Tensor, count: int) -> Tensor:
        return torch.index_put(o.new_zeros(count, o.shape[-1]), (rows,), o, accumulate=True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _Rows.apply(grads[0], ctx.saved_tensors[0]), None, None
