"""A lesson: linear layers without a nonlinearity between them are one layer.

    W_L (... (W_1 x + b_1) ...) + b_L = W x + b        W = W_L ... W_1        b = sum_l W_L ... W_{l+1} b_l

Matrix products may be bracketed in any way, so depth adds no new functions: only affine maps, of rank at most the
width of the narrowest layer. The same law makes linear attention cheap; here it is a drawback. Linear layers merge
into one matrix, and everything a network can do beyond a matrix comes from phi, the gates and the normalisation.
(Depth does change how the network *learns*, but not which functions it can represent.)
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn


def stack_layers(widths: Sequence[int], seed: int = 0, between: type[nn.Module] | None = None) -> nn.Sequential:
    """Linear layers of these widths, input first; `between` (for example nn.ReLU) follows every layer except the last.

    >>> stack_layers([6, 5, 3])(torch.zeros(4, 6)).shape
    torch.Size([4, 3])
    """
    if len(widths) < 2 or min(widths) < 1:
        raise ValueError(f"a stack needs an input and an output, each of one channel or more; got {list(widths)}")
    layers: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        for fan_in, fan_out in zip(widths, widths[1:], strict=False):
            layers += [nn.Linear(fan_in, fan_out), *([between()] if between else [])]
    return nn.Sequential(*(layers[:-1] if between else layers))


def collapse_layers(layers: nn.Sequential) -> nn.Linear:
    """The single layer equal to a stack of linear layers. ValueError for any other layer in the stack.

    >>> deep = stack_layers([8, 16, 2, 16, 8])
    >>> one, x = collapse_layers(deep), torch.rand(5, 8)
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
