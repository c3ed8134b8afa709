"""Products of all pairs of channels, x_m x_n for m < n, with a gradient of their own: a block of channels at a time."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .readable import is_readable


def products_of_pairs(x: Tensor) -> Tensor:
    """x_m x_n for m < n, in the order of torch.triu_indices: (..., D, N) -> (..., D (D - 1) / 2, N).

    >>> products_of_pairs(torch.tensor([[1.0], [2.0], [5.0]])).flatten().tolist()
    [2.0, 5.0, 10.0]
    """
    if not is_readable(x):
        m, n = torch.triu_indices(x.shape[-2], x.shape[-2], 1, device=x.device)
        return x[..., m, :] * x[..., n, :]
    products: Tensor = _Pairs.apply(x)
    return products


class _Pairs(Function):
    """A block of products for each m: x_m with all later channels."""

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        blocks = [x[..., m:m + 1, :] * x[..., m + 1:, :] for m in range(x.shape[-2] - 1)]
        return torch.cat(blocks, -2) if blocks else x[..., :0, :]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        total, at = torch.zeros_like(x), 0
        for m in range(x.shape[-2] - 1):
            one, later = x[..., m:m + 1, :], x[..., m + 1:, :]
            g, at = grads[0][..., at:at + later.shape[-2], :], at + later.shape[-2]
            total[..., m + 1:, :].addcmul_(g, one)
            total[..., m, :].add_((g * later).sum(-2))
        return total
