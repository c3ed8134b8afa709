"""The output of linear attention from its features, without the map: what a layer computes.

    S = sum_j phi(k_j) v_j^T     s = sum_j phi(k_j)     z_i = divisor(phi(q_i).s)     o_i = phi(q_i) S / z_i

Long inputs take roads of their own. With a gradient, only features, v, o, z, S and s are kept; with g = dL/do,

    dz_i = -(g_i.o_i) / z_i, where the divisor follows the sum     dphi(q_i) = S g_i / z_i + s dz_i
    dS = sum_i phi(q_i) g_i^T / z_i     ds = sum_i phi(q_i) dz_i     dphi(k_j) = dS v_j + ds     dv_j = dS^T phi(k_j)

Without one, where phi reads one token at a time, features are made for a block of tokens that stays in the cache, so
nothing but the output is as long as the input. At a width of 64 the two large products take about 40 % of that time
and the features as much, most of it the exponential of elu + 1; so it is no closer to the products alone.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .long_buffers import long_buffer
from .readable import is_readable, wants_gradient

OWN_GRADIENT = 1 << 16  # numbers in v from which the gradient above is faster than that of the plain formula
LONG = 1 << 18          # numbers in k of one head from which features are made in blocks
BLOCK = 1 << 18         # numbers in a block of q or k, which stays in the cache
Divisor = Any           # a `Normaliser`: a call gives the divisor of row sums, `slope` its derivative
FeatureMap = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def kernel_output(q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
    """o (..., N, E) of the features q (..., N, M) and k (..., S, M) and of the values v (..., S, E).

    >>> from linviz.maps import Normaliser
    >>> one = torch.ones(4, 1)
    >>> kernel_output(one, one, torch.arange(4.0)[:, None], Normaliser())[0]
    tensor([1.5000])
    """
    if not is_readable(q) or not wants_gradient(q, k, v) or v.numel() < OWN_GRADIENT:
        return plain_output(q, k, v, normaliser)[0]
    o: Tensor = _KernelOutput.apply(q, k, v, normaliser)
    return o


def plain_output(q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> tuple[Tensor, ...]:
    """The formula: o, and S (..., M, E), s (..., 1, M), the row sums and z (..., N, 1) on the way to it."""
    S, s = k.mT @ v, k.sum(-2, keepdim=True)
    sums = q @ s.mT
    z = normaliser(sums)
    o = q @ S
    return o / z if wants_gradient(o, z) else o.div_(z), S, s, sums, z


class _KernelOutput(Function):
    """The equations above; a gradient of this gradient is that of the plain formula."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
        q, k, v = (x.contiguous() for x in (q, k, v))
        o, S, s, sums, z = plain_output(q, k, v, normaliser)
        ctx.save_for_backward(q, k, v, o, S, s, sums, z)
        ctx.normaliser = normaliser
        return o

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (q, k, v, o, S, s, sums, z), g = ctx.saved_tensors, grads[0]
        if torch.is_grad_enabled():
            return *plain_gradients(plain_output(q, k, v, ctx.normaliser)[0], (q, k, v), g), None
        to_z = (g * o).sum(-1, keepdim=True).div_(z).neg_().mul_(ctx.normaliser.slope(sums))
        over = g / z
        to_S, to_s = q.mT @ over, to_z.mT @ q
        to_q = (over @ S.mT).addcmul_(to_z, s)
        to_k = (v.expand(*to_S.shape[:-2], *v.shape[-2:]) @ to_S.mT).add_(to_s)
        return tuple(x.sum_to_size(like.shape) for x, like in ((to_q, q), (to_k, k), (k @ to_S, v))) + (None,)


def plain_gradients(o: Tensor, given: tuple[Tensor, ...], g: Tensor) -> list[Tensor | None]:
    """The gradients of o with respect to the given tensors, None for constants; they can be differentiated again.

    >>> x = torch.ones(2, requires_grad=True)
    >>> plain_gradients(3 * x, (x, torch.ones(2)), torch.ones(2))[0].tolist()
    [3.0, 3.0]
    """
    found = iter(torch.autograd.grad(o, [x for x in given if x.requires_grad], g, create_graph=True))
    return [next(found) if x.requires_grad else None for x in given]


def takes_blocks(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether `blockwise_output` is the road: long inputs whose numbers can be read, and no gradient."""
    return k.shape[-2:].numel() >= LONG and is_readable(q) and not wants_gradient(q, k, v)


def blockwise_output(features: FeatureMap, q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
    """o of q (B, H, N, D), k (B, H, S, D) and v (B, H, S, E), where `features` reads one token at a time; no gradient.

    >>> from linviz.maps import Normaliser
    >>> x = torch.ones(1, 1, 4, 1)
    >>> blockwise_output(lambda q, k: (q, k), x, x, torch.arange(4.0).view(x.shape), Normaliser())[0, 0, 0]
    tensor([1.5000])
    """
    out = long_buffer(q, (*q.shape[:-1], v.shape[-1]))
    for b, h in ((b, h) for b in range(q.shape[0]) for h in range(q.shape[1])):
        S, s = _summaries(features, k[b, h], v[b, h])
        for x, o in _blocks(q[b, h], out[b, h]):
            x = features(x[None], x[None, :0])[0][0]
            torch.mm(x, S, out=o).div_(normaliser(x @ s))
    return out


def _summaries(features: FeatureMap, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """S (M, E) and s (M, 1) of k (S, D) and v (S, E)."""
    S = s = None
    for x, values in _blocks(k, v):
        x = features(x[None, :0], x[None])[1][0]
        S = x.T @ values if S is None else S.addmm_(x.T, values)
        s = x.sum(0) if s is None else s.add_(x.sum(0))
    assert S is not None and s is not None
    return S, s[:, None]


def _blocks(x: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Blocks of the rows of x and y, of BLOCK numbers of x."""
    rows = max(1, BLOCK // x.shape[-1])
    return zip(x.split(rows), y.split(rows), strict=True)
