"""The inputs of benchmarks: random q, k and v from a fixed seed, and the forms that other libraries compute."""
from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from linviz import Grid, make
from linviz.mechanisms import Attention

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def draw_qkv(tokens: int, width: int, heads: int = 1, grad: bool = False, spread: float = 1.0
             ) -> tuple[Tensor, Tensor, Tensor]:
    """q, k and v (1, heads, tokens, width), float32, normally distributed; q is multiplied by `spread`.

    >>> [x.shape for x in draw_qkv(5, 3)][0]
    torch.Size([1, 1, 5, 3])
    """
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, heads, tokens, width, generator=generator) for _ in range(3))
    return (q * spread).requires_grad_(grad), k.requires_grad_(grad), v.requires_grad_(grad)


def make_line(spec: str, tokens: int, width: int, heads: int = 1, **options: object) -> Attention:
    """A mechanism on a line of tokens."""
    return make(spec, heads, width, Grid(X=tokens), **options)  # type: ignore[arg-type]


def elu_features(x: Tensor) -> Tensor:
    """phi(x) = elu(x) + 1."""
    return F.elu(x) + 1


def einsum_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Linear attention in the form of most libraries (idiap's LinearAttention, performer-pytorch): three einsums."""
    q, k = elu_features(q), elu_features(k)
    divisor = 1 / (torch.einsum("bhnd,bhd->bhn", q, k.sum(-2)) + 1e-6)
    state = torch.einsum("bhsd,bhse->bhde", k, v)
    return torch.einsum("bhnd,bhde,bhn->bhne", q, state, divisor)


def two_products(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The two matrix products of linear attention and nothing else: what no implementation can undercut."""
    return q @ (k.mT @ v)


def with_backward(attend: Attend, qkv: Sequence[Tensor], gradient: Tensor) -> Callable[[], tuple[Tensor, ...]]:
    """A run of forward and backward; it returns the gradients of q, k and v."""
    return lambda: torch.autograd.grad(attend(*qkv), qkv, gradient)
