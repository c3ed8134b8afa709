"""Two convolutions over keys with a LeakyReLU between them, applied to the scores of all heads: DAPE's correction.

    f = second(leaky(first(s) + shared))        first: H -> W channels, second: W -> H channels, over `side` keys

`shared` is the part of the first convolution that all clips of a batch have in common: that of a bias of position.
The W channels between the two are W / H times as large as the scores. They are computed clip by clip, so they stay in
the processor's cache, and computed again for the gradient, so they are never kept.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import conv2d, leaky_relu, pad

from .readable import is_readable

SLOPE = 0.01  # of the LeakyReLU below zero


def corrected_scores(s: Tensor, shared: Tensor, first: Tensor, second: Tensor, bias: Tensor | None) -> Tensor:
    """f of the scores s, both (B, H, n, S). shared (W, n, S), first (W, H, side), second (H, W, side), bias (H,).

    >>> s, one = torch.tensor([[[[1.0, 2.0, 4.0]]]]), torch.tensor([[[1.0, 0.0, 0.0]]])
    >>> corrected_scores(s, torch.zeros(1, 1, 3), one, one, torch.zeros(1)).flatten().tolist()  # each looks at the left
    [0.0, 0.0, 1.0]
    """
    if not is_readable(s):  # another device, or inside torch.vmap
        pads = (0, first.shape[-1] // 2)
        inside = leaky_relu(conv2d(s, first.unsqueeze(2), padding=pads) + shared, SLOPE)
        return conv2d(inside, second.unsqueeze(2), bias, padding=pads)
    f: Tensor = _Correction.apply(s, shared, first, second)
    return f if bias is None else f + bias.view(-1, 1, 1)


class _Correction(Function):
    """The correction clip by clip, with its own gradient."""

    @staticmethod
    def forward(ctx: Any, s: Tensor, shared: Tensor, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(s, shared, first, second)
        w1, w2, add, side = *_as_matrices(first, second), shared.flatten(1), first.shape[-1]
        return torch.stack([_sum_taps(w2 @ _inside(w1, add, _taps(x, side)), x.shape, side) for x in s])

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        (s, shared, first, second), (g,) = ctx.saved_tensors, grads
        w1, w2, add, side = *_as_matrices(first, second), shared.flatten(1), first.shape[-1]
        to_s, to_shared, to_w1, to_w2 = torch.empty_like(s), *(torch.zeros_like(x) for x in (add, w1, w2))
        for n, x in enumerate(s):
            taps, wanted = _taps(x, side), _taps(g[n], side, turned=True)
            inside = _inside(w1, add, taps)
            to_w2.addmm_(wanted, inside.mT)
            rise = torch.ops.aten.leaky_relu_backward(w2.mT @ wanted, inside, SLOPE, True)
            to_w1.addmm_(rise, taps.mT)
            to_shared += rise
            to_s[n] = _sum_taps(w1.mT @ rise, x.shape, side, turned=True)
        to_first = to_w1.unflatten(1, (side, -1)).transpose(1, 2)
        to_second = to_w2.unflatten(0, (side, -1)).permute(1, 2, 0)
        return to_s, to_shared.view_as(shared), to_first, to_second


def _as_matrices(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The weights as matrices (W, side H) and (side H, W): one column or row for each tap of each head."""
    return first.transpose(1, 2).flatten(1), second.permute(2, 0, 1).flatten(0, 1)


def _inside(w1: Tensor, shared: Tensor, taps: Tensor) -> Tensor:
    """The W channels between the convolutions, (W, n S)."""
    return leaky_relu(torch.addmm(shared, w1, taps), SLOPE, inplace=True)


def _taps(x: Tensor, side: int, turned: bool = False) -> Tensor:
    """The neighbouring keys of every key, 0 outside: (H, n, S) -> (side H, n S); `turned`: the last tap first."""
    wide, S = pad(x, (side // 2, side // 2)), x.shape[-1]
    order = range(side)[::-1] if turned else range(side)
    return torch.stack([wide[..., t:t + S] for t in order]).view(-1, x.shape[-2] * S)


def _sum_taps(y: Tensor, shape: torch.Size, side: int, turned: bool = False) -> Tensor:
    """The sum over taps, each read at its neighbouring key: (side H, n S) -> (H, n, S)."""
    wide, S = pad(y.view(side, *shape), (side // 2, side // 2)), shape[-1]
    order = range(side)[::-1] if turned else range(side)
    return torch.stack([wide[n, ..., t:t + S] for n, t in enumerate(order)]).sum(0)
