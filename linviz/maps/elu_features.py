"""elu(x) + 1, the features of linear attention: exact where they are small, with a gradient that needs them alone."""
from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.autograd import Function

from .readable import wants_gradient


def elu_plus_one(x: Tensor) -> Tensor:
    """elu(x) + 1: x + 1 above zero, exp(x) below. To add 1 to elu would round a small exp(x) to zero.

    >>> import torch
    >>> elu_plus_one(torch.tensor([2.0, -18.0])).log()[1]
    tensor(-18.)
    """
    if not wants_gradient(x):
        return x.clamp_max(0).exp_().add_(x.clamp_min(0))
    phi: Tensor = _EluPlusOne.apply(x)
    return phi


class _EluPlusOne(Function):
    """d phi / dx = min(phi, 1)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clamp_max(0).exp_().add_(x.clamp_min(0))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (phi,) = ctx.saved_tensors
        return grads[0] * phi.clamp_max(1)
