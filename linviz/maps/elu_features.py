"""elu(x) + 1, the features of linear attention: exact where they are small, with a gradient that needs them alone."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .long_buffers import long_buffer
from .readable import is_readable, wants_gradient

BLOCK = 1 << 18  # numbers that are computed at once: they stay in the cache


def elu_plus_one(x: Tensor) -> Tensor:
    """elu(x) + 1: x + 1 above zero, exp(x) below. To add 1 to elu would round a small exp(x) to zero.

    >>> elu_plus_one(torch.tensor([2.0, -18.0])).log()[1]
    tensor(-18.)
    """
    if not wants_gradient(x):
        return _phi(x)
    phi: Tensor = _EluPlusOne.apply(x)
    return phi


def _phi(x: Tensor) -> Tensor:
    if x.numel() <= 4 * BLOCK or x.ndim < 2 or not is_readable(x):
        return x.clamp_max(0).exp_().add_(x.clamp_min(0))
    phi, rows = long_buffer(x, x.shape), max(1, BLOCK * x.shape[-2] // x.numel())
    for part, out in zip(x.split(rows, -2), phi.split(rows, -2), strict=True):
        torch.clamp(part, max=0, out=out).exp_().add_(part.clamp_min(0))
    return phi


class _EluPlusOne(Function):
    """d phi / dx = min(phi, 1)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return _phi(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (phi,) = ctx.saved_tensors
        return grads[0] * phi.clamp_max(1)
