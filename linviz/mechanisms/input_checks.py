"""What q, k and v must be before anything is computed: ValueError, in one sentence, for anything else."""
from __future__ import annotations

import inspect
import math
from typing import Any

import torch
from torch import Tensor

from ..maps import MemoryState, State
from ..maps.readable import is_readable
from .base import Mechanism
from .inputs import Given


def check_sizes(spec: str, m: Mechanism, q: Tensor, k: Tensor, v: Tensor) -> None:
    """Refuse q (B, H, N, D), k (B, K, S, D) and v (B, K, S, E) that do not fit the mechanism or one another."""
    for letter, x in zip("qkv", (q, k, v), strict=True):
        if x.ndim != 4:
            raise ValueError(f"{letter} must have the shape (batch, heads, tokens, width); got {tuple(x.shape)}")
        if 0 in x.shape:
            raise ValueError(f"{letter} is empty: (batch, heads, tokens, width) must be at least 1 each; "
                             f"got {tuple(x.shape)}")
    if q.shape[1] != m.heads:
        raise ValueError(f"{spec} was made for {m.heads} heads; q has {q.shape[1]}")
    if q.shape[-1] != m.width or k.shape[-1] != m.width or v.shape[-1] != m.value_width:
        raise ValueError(f"{spec} was made for width {m.width} and value_width {m.value_width}; q, k, v have "
                         f"{q.shape[-1]}, {k.shape[-1]}, {v.shape[-1]}")
    if k.shape[-2] != v.shape[-2] or k.shape[1] != v.shape[1] or len({len(q), len(k), len(v)}) > 1:
        raise ValueError("k and v need the same heads and tokens, and q the same batch; "
                         f"got q {tuple(q.shape)}, k {tuple(k.shape)}, v {tuple(v.shape)}")


def check_numbers(m: Mechanism, q: Tensor, k: Tensor, v: Tensor) -> None:
    """Refuse NaN and infinity, and numbers whose products have no place in their dtype; only where x can be read."""
    sizes = []
    for letter, x in zip("qkv", (q, k, v), strict=True):
        if not is_readable(x):
            return
        low, high = (end.item() for end in x.detach().aminmax())  # one pass
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"{letter} contains NaN or infinity; attention needs finite numbers")
        sizes.append(max(-low, high))
    product = max(sizes[:2]) ** 2 if m.squares else sizes[0] * sizes[1]
    greatest = torch.finfo(q.dtype).max
    if m.family != "content-free" and product > greatest / (q.shape[-1] * k.shape[-2]):
        raise ValueError(f"q and k reach {sizes[0]:.3g} and {sizes[1]:.3g}, and the sums of their products are too "
                         f"large for {str(q.dtype).removeprefix('torch.')}, which ends at {greatest:.2g}; divide q and "
                         "k by a number")
    if sizes[2] > greatest / (q.shape[-1] * k.shape[-2] * max(1.0, sizes[1])):
        raise ValueError(f"v reaches {sizes[2]:.3g}, and sums of {k.shape[-2]} products of k and v are too large for "
                         f"{str(q.dtype).removeprefix('torch.')}, which ends at {greatest:.2g}; divide v by a number")


def check_context(spec: str, m: Mechanism, context: dict[str, Any]) -> None:
    """Refuse a further argument that the mechanism's map does not take: a mask, where there is none."""
    if not context:
        return
    taken = list(inspect.signature(m.map).parameters)[3:]
    if unknown := [f"{name}=" for name in context if name not in taken]:
        there = f"it takes {', '.join(f'{name}=' for name in taken)}" if taken else "it takes q, k and v alone"
        hint = "" if taken else "; softmax takes bias=, in which -inf forbids a pair"
        raise ValueError(f"{spec} has no {', '.join(unknown)}: {there}{hint}")


def check_state(state: Any, q: Given, v: Given) -> None:
    """Refuse a state that is not the one of the step before, of the same batch and heads."""
    if state is not None and not isinstance(state, State | MemoryState):
        raise ValueError("the state of a step is what the step before returned, or None before the first; "
                         f"got {type(state).__name__}")
    if state is not None and tuple(state.S.shape[:2]) != tuple(q.shape[:2]):
        raise ValueError(f"the state is that of a batch of {state.S.shape[0]} with {state.S.shape[1]} heads; q has the "
                         f"shape {tuple(q.shape)}")
