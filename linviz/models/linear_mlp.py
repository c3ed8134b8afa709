"""A lesson: layers without anything between them are one layer.

    W_L (... (W_1 x + b_1) ...) + b_L = W x + b        W = W_L ... W_1        b = sum_l W_L ... W_{l+1} b_l

Matrix products may be bracketed as one likes, so depth adds no function: only affine maps, of rank at most
the narrowest layer. It is the same law that makes linear attention cheap, seen from its bad side: what is
linear composes away, and what a network can do beyond a matrix comes from phi, the gates and the
normalisation. (How it *learns* does change with depth; what it can be after learning does not.)
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


def stack(widths: Sequence[int], seed: int = 0, between: type[nn.Module] | None = None) -> nn.Sequential:
    """Linear layers of these widths, input first; `between` (nn.ReLU, say) stands after every layer but the last.

    >>> stack([6, 5, 3])(torch.zeros(4, 6)).shape
    torch.Size([4, 3])
    """
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"a stack has an input and an output of at least one channel each; got widths {list(widths)}")
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += [nn.Linear(fan_in, fan_out), *([between()] if between else [])]
    return nn.Sequential(*(layers[:-1] if between else layers))


def collapse(layers: nn.Sequential) -> nn.Linear:
    """The one layer that a stack of linear layers is. Anything else in the stack is refused: it does not collapse.

    >>> deep = stack([8, 16, 2, 16, 8])
    >>> one, x = collapse(deep), torch.rand(5, 8)
    >>> torch.allclose(one(x), deep(x), atol=1e-6), int(torch.linalg.matrix_rank(one.weight))
    (True, 2)
    """
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    if not linear or len(linear) < len(layers):
        raise ValueError(f"only linear layers collapse into one; got {[type(layer).__name__ for layer in layers]}")
    with torch.no_grad():
        weight = torch.eye(linear[0].in_features).to(linear[0].weight)
        bias = torch.zeros_like(weight[0])
        for layer in linear:
            weight, bias = layer.weight @ weight, layer(bias)
    one = nn.Linear(weight.shape[1], weight.shape[0], dtype=weight.dtype)
    one.weight.data, one.bias.data = weight, bias
    return one
