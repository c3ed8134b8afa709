"""The output of linear attention, with a gradient of its own that keeps less and reads the features less often.

    S = phi(k)^T v     s = sum_j phi(k_j)     z_i = normaliser(phi(q_i).s)     left_i = phi(q_i) / z_i     o = left S

Backwards, with g = dL/do: dz_i = -(g_i.o_i) / z_i where the normaliser passes it, and nothing else is kept than left,
phi(k), v, o and z. Features much wider than v are not divided: o is, so left is then phi(q), and o_i = left_i S / z_i.
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .readable import is_readable

Divisor = Callable[[Tensor], Tensor]  # row sums (..., N, 1) to divisors
WIDE = 2  # features wider than this multiple of v are not divided


def attend(q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
    """o of the features q (..., N, M), k (..., S, M) and values v (..., S, E): (..., N, E).

    >>> one = torch.ones(4, 1)
    >>> attend(one, one, torch.arange(4.0)[:, None], lambda sums: sums)[0]
    tensor([1.5000])
    """
    if not is_readable(q):  # another device, a compiled call, or inside torch.vmap
        return (q / normaliser(q @ k.sum(-2, keepdim=True).mT)) @ (k.mT @ v)
    o: Tensor = _Attend.apply(q, k, v, normaliser)
    return o


class _Attend(Function):
    """The five equations above."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
        S, s = k.mT @ v, k.sum(-2, keepdim=True)
        sums = q @ s.mT
        z, ctx.wide = normaliser(sums), k.shape[-1] > WIDE * v.shape[-1]
        left = q if ctx.wide else q / z
        o = (left @ S).div_(z) if ctx.wide else left @ S
        ctx.save_for_backward(left, k, v, S, s, z, o, _passed(normaliser, sums))
        return o

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        left, k, v, S, s, z, o, passed = ctx.saved_tensors
        to_z = (grads[0] * o).sum(-1, keepdim=True).div_(z).neg_().mul_(passed)
        over = grads[0] / z
        read = over if ctx.wide else grads[0]
        to_S, to_s = left.mT @ read, (to_z if ctx.wide else to_z * z).mT @ left
        to_q = torch.addcmul(over @ S.mT, to_z, s)
        to_k = v.expand(*to_S.shape[:-2], *v.shape[-2:]) @ to_S.mT + to_s
        return tuple(x.sum_to_size(like.shape) for x, like in ((to_q, left), (to_k, k), (k @ to_S, v))) + (None,)


def _passed(normaliser: Divisor, sums: Tensor) -> Tensor:
    """How the divisor of every row follows its sum: 1, or 0 where it is clamped or the row is empty."""
    with torch.enable_grad():
        x = sums.detach().requires_grad_()
        divisor = normaliser(x)
        return torch.autograd.grad(divisor.sum(), x)[0] if divisor.requires_grad else torch.zeros_like(x)
