"""The leading axes of tensors, usually batch and heads: the shape they expand to, and one channel out of several."""
from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from torch import Tensor


def expanded_shape(*shapes: Iterable[int]) -> tuple[int, ...]:
    """The shape to which tensors of these shapes expand. (torch.broadcast_shapes first imports sympy: 0.3 s.)

    >>> expanded_shape((2, 1, 3), (5, 1))
    (2, 5, 3)
    """
    axes = zip_longest(*(tuple(shape)[::-1] for shape in shapes), fillvalue=1)
    return tuple(next((n for n in sizes if n != 1), 1) for sizes in axes)[::-1]


def pick_channel(x: Tensor, c: int) -> Tensor:
    """Entry c of the third axis from the end, or its only entry: (..., C, N, M) -> (..., N, M)."""
    return x[..., c if x.shape[-3] > 1 else 0, :, :]
