"""Two steps of a memory in chunks with gradients of their own: the walk over the chunks, and a triangular inverse.

    before_0 = state        before_(a+1) = keeping_a before_a + fresh_a

The gradient is the same walk from the last chunk to the first, so it needs neither one node per chunk nor copies.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def carried(keeping: Tensor, fresh: Tensor, state: Tensor | None = None, back: bool = False) -> Tensor:
    """The memory (..., n, D, E) before each of n chunks; `back`: from the last to the first, with keeping^T.

    keeping (..., n, D, D), fresh (..., n, D, E); state (..., D, E), empty at first.

    >>> carried(torch.full((3, 1, 1), 0.5), torch.ones(3, 1, 1)).flatten().tolist()
    [0.0, 1.0, 1.5]
    """
    lead = fresh.shape[:-3]
    state = torch.zeros_like(fresh[..., 0, :, :]) if state is None else state.expand_as(fresh[..., 0, :, :])
    flat = (keeping.expand(*lead, *keeping.shape[-3:]), fresh, state)
    before: Tensor = _Carried.apply(*(x.reshape(-1, *x.shape[len(lead):]) for x in flat), back)
    return before.reshape(fresh.shape)


def unit_inverse(x: Tensor) -> Tensor:
    """The inverse of 1 + the part of x (..., C, C) that lies strictly below the diagonal.

    >>> unit_inverse(torch.tensor([[7.0, 7.0], [0.5, 7.0]])).tolist()
    [[1.0, 0.0], [-0.5, 1.0]]
    """
    inverse: Tensor = _UnitInverse.apply(x)
    return inverse


class _Carried(Function):
    """keeping (L, n, D, D), fresh (L, n, D, E), state (L, D, E) -> (L, n, D, E)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(keeping: Tensor, fresh: Tensor, state: Tensor, back: bool) -> Tensor:
        before, n = [], keeping.shape[1]
        for a in range(n)[::-1] if back else range(n):
            before.append(state)
            keep = keeping[:, a].mT if back else keeping[:, a]
            state = torch.baddbmm(fresh[:, a], keep, state)
        return torch.stack(before[::-1] if back else before, 1)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        keeping, fresh, _, ctx.back = inputs
        ctx.save_for_backward(keeping, output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (keeping, before), g, last = ctx.saved_tensors, grads[0], -1 if ctx.back else 0
        to_fresh: Tensor = _Carried.apply(keeping, g, torch.zeros_like(g[:, 0]), not ctx.back)
        keep = keeping[:, last] if ctx.back else keeping[:, last].mT
        to_state = torch.baddbmm(g[:, last], keep, to_fresh[:, last])
        to_keeping = (before @ to_fresh.mT) if ctx.back else (to_fresh @ before.mT)
        return to_keeping, to_fresh, to_state, None


class _UnitInverse(Function):
    """d(X^-1) = -X^-1 dX X^-1, below the diagonal."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        eye = torch.eye(x.shape[-1], dtype=x.dtype, device=x.device).expand_as(x)
        return torch.linalg.solve_triangular(x, eye, upper=False, unitriangular=True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (inverse,) = ctx.saved_tensors
        return -(inverse.mT @ grads[0] @ inverse.mT).tril(-1)
