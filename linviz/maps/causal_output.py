"""The output of causal linear attention in chunks of C tokens: one sweep forwards, and one more for the gradient.

    o_i = phi(q_i) S_i / z_i     S_i = sum over j <= i of phi(k_j) v_j^T     z_i = divisor(phi(q_i).s_i), s_i alike

Within a chunk the weights of all pairs are computed, C x C; what came before is in the running sums, which are M x E
and M numbers a head, however long the input. Where features are narrow, several chunks are one product. With
g = dL/do, n_i = g_i / z_i and d_i = -(g_i.o_i) / z_i,

    dphi(q_i) = S_i n_i + s_i d_i     dphi(k_j) = sum over i >= j of phi(q_i) (n_i.v_j + d_i)
    dv_j = sum over i >= j of n_i (phi(q_i).phi(k_j))

which is a sweep forwards for the queries and one backwards for keys and values.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .kernel_output import Divisor, plain_gradients
from .leading_axes import expanded_shape
from .readable import is_readable, wants_gradient

CHUNK = 64              # tokens whose mutual weights are computed
AT_ONCE, NARROW = 8, 32  # chunks that are one product where there are at most NARROW features
Part = tuple[slice, int]  # some chunks, and how long they are


def causal_output(q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
    """o (..., N, E) of features q and k (..., N, M) and values v (..., N, E): query i sees the keys 0..i.

    >>> from linviz.maps import Normaliser
    >>> one = torch.ones(3, 1)
    >>> causal_output(one, one, torch.tensor([[2.0], [4.0], [6.0]]), Normaliser()).flatten().tolist()
    [2.0, 3.0, 4.0]
    """
    if not is_readable(q):  # another device, a compiled call, or inside torch.vmap
        return _plain_output(q, k, v, normaliser)
    if not wants_gradient(q, k, v):
        return _sweep_forwards(q, k, v, normaliser)[0]
    o: Tensor = _CausalOutput.apply(q, k, v, normaliser)
    return o


def _plain_output(q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
    """The same without a gradient of its own, nor a step in place."""
    left = q / normaliser((q * k.cumsum(-2)).sum(-1, keepdim=True))
    out, lead = [], expanded_shape(k.shape[:-2], v.shape[:-2])
    state = v.new_zeros(*lead, k.shape[-1], v.shape[-1])
    for x, y, values in zip(*(x.split(CHUNK, -2) for x in (left, k, v)), strict=True):
        out.append((x @ y.mT).tril() @ values + x @ state)
        state = state + y.mT @ values
    return torch.cat(out, -2)


def _parts(k: Tensor) -> list[Part]:
    """Slices of whole chunks of k (..., N, M), and a shorter chunk at the end."""
    N, size = k.shape[-2], CHUNK * (AT_ONCE if k.shape[-1] <= NARROW else 1)
    whole = N - N % CHUNK
    parts = [(slice(i, min(i + size, whole)), CHUNK) for i in range(0, whole, size)]
    return parts + [(slice(whole, N), N - whole)] * (whole < N)


def _cut(part: Part, *tensors: Tensor) -> list[Tensor]:
    """A part of each tensor (..., N, M) in chunks: (..., chunks, C, M)."""
    return [x[..., part[0], :].unflatten(-2, (-1, part[1])) for x in tensors]


def _earlier(x: Tensor, y: Tensor) -> Tensor:
    """x y^T where the column is not later than the row: (..., C, C)."""
    near = x @ y.mT
    return near.mul_(_ones(near.shape[-1], near))


def _ones(n: int, like: Tensor) -> Tensor:
    """A lower triangle of ones, (n, n)."""
    return torch.ones(n, n, dtype=like.dtype, device=like.device).tril_()


def _carry(state: Tensor | float, new: Tensor, back: bool = False) -> tuple[Tensor, Tensor]:
    """Of sums over each chunk (..., n, M, E): those over all chunks before each (`back`: after it), and over all."""
    if new.shape[-3] == 1 and isinstance(state, Tensor):
        return state.unsqueeze(-3), state + new.squeeze(-3)
    order = _ones(new.shape[-3], new).tril_(-1)
    before = ((order.mT if back else order) @ new.flatten(-2)).unflatten(-1, new.shape[-2:])
    total = new.sum(-3)
    if not isinstance(state, Tensor):
        return before, total
    return before.add_(state.unsqueeze(-3)), total.add_(state)


def _sweep_forwards(q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> tuple[Tensor, Tensor]:
    """o, and the row sums (..., N, 1)."""
    lead, both = (expanded_shape(*(x.shape[:-2] for x in tensors)) for tensors in ((q, k, v), (q, k)))
    out, sums = v.new_empty(*lead, q.shape[-2], v.shape[-1]), q.new_empty(*both, q.shape[-2], 1)
    S: Tensor | float = 0.0
    s: Tensor | float = 0.0
    for part in _parts(k):
        x, y, values = _cut(part, q, k, v)
        before, S = _carry(S, y.mT @ values)
        summed, s = _carry(s, y.sum(-2).unsqueeze(-1))
        near = _earlier(x, y)
        total = near.sum(-1, keepdim=True).add_(x @ summed)
        o = (near @ values).add_(x @ before).div_(normaliser(total))
        sums[..., part[0], :], out[..., part[0], :] = total.flatten(-3, -2), o.flatten(-3, -2)
    return out, sums


class _CausalOutput(Function):
    """The equations above; a gradient of this gradient is that of the plain formula."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, normaliser: Divisor) -> Tensor:
        o, sums = _sweep_forwards(q, k, v, normaliser)
        ctx.save_for_backward(q, k, v, o, sums)
        ctx.normaliser = normaliser
        return o

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (q, k, v, o, sums), g = ctx.saved_tensors, grads[0]
        if torch.is_grad_enabled():
            return *plain_gradients(_plain_output(q, k, v, ctx.normaliser), (q, k, v), g), None
        z = ctx.normaliser(sums)
        d = (g * o).sum(-1, keepdim=True).div_(z).neg_().mul_(ctx.normaliser.slope(sums))
        parts = (_query_gradient(k, v, g / z, d), *_key_gradients(q, k, v, g / z, d))
        return tuple(x.sum_to_size(like.shape) for x, like in zip(parts, (q, k, v), strict=True)) + (None,)


def _query_gradient(k: Tensor, v: Tensor, over: Tensor, d: Tensor) -> Tensor:
    """dphi(q), forwards: what a query saw."""
    out = over.new_empty(*over.shape[:-1], k.shape[-1])
    S: Tensor | float = 0.0
    s: Tensor | float = 0.0
    for part in _parts(k):
        y, values, g, dz = _cut(part, k, v, over, d)
        before, S = _carry(S, y.mT @ values)
        summed, s = _carry(s, y.sum(-2, keepdim=True))
        near = (g @ values.mT).add_(dz).mul_(_ones(part[1], g))
        found = (near @ y).add_(g @ before.mT).addcmul_(dz, summed)
        out[..., part[0], :] = found.flatten(-3, -2)
    return out


def _key_gradients(q: Tensor, k: Tensor, v: Tensor, over: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """dphi(k) and dv, backwards: who saw a key."""
    to_k, to_v = over.new_empty(*over.shape[:-1], k.shape[-1]), torch.empty_like(over)
    S: Tensor | float = 0.0
    s: Tensor | float = 0.0
    for part in reversed(_parts(k)):
        x, y, values, g, dz = _cut(part, q, k, v, over, d)
        after, S = _carry(S, x.mT @ g, back=True)
        summed, s = _carry(s, dz.mT @ x, back=True)
        near = (g @ values.mT).add_(dz).mul_(_ones(part[1], g))
        to_k[..., part[0], :] = (near.mT @ x).add_(values @ after.mT).add_(summed).flatten(-3, -2)
        to_v[..., part[0], :] = (_earlier(x, y).mT @ g).add_(y @ after).flatten(-3, -2)
    return to_k, to_v
