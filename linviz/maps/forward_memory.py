"""The memory in a map that carries what was seen on to later tokens, whatever stands around it."""
from __future__ import annotations

from .base import Map
from .blocks import Blocks
from .combine import Sum
from .memory import Memory


def forward_memory(a: Map) -> Memory | None:
    """The memory that takes the tokens of the whole grid in the order of the scan; None where there is no single one.

    A part that is added to it (a skip, a memory that runs backwards) passes nothing from earlier to later tokens, so
    `passed(t)` of the memory is what the whole map passes. In a scope every box has a memory of its own: None.

    >>> import torch
    >>> x = torch.randn(9, 2)
    >>> a = Memory(x, x, torch.zeros(9, 1), torch.ones(9, 1))
    >>> forward_memory(Sum(a, a)) is a
    True
    """
    if isinstance(a, Sum):
        return forward_memory(a.parts[0])
    if isinstance(a, Blocks):
        boxes, _, inner = a.parts[0]
        return forward_memory(inner) if boxes.shape == (1, a.shape[0]) else None
    return a if isinstance(a, Memory) else None
