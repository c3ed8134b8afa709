"""q, k and v as they are given to a mechanism: tensors or arrays of numpy, of any floating point type.

All are converted to one type: that of the mechanism's parameters, or else the widest of the three, at least float32.
Half precision loses nothing on the way. Arrays of numpy go to the device of the parameters or of the other tensors.
"""
from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Given = Tensor | np.ndarray


def float_inputs(module: nn.Module, **given: Any) -> tuple[Tensor, ...]:
    """Arrays by name as tensors of one floating point type; ValueError, in one sentence, for anything else.

    >>> half, array = torch.ones(1, 1, 9, 4, dtype=torch.float16), np.ones((1, 1, 9, 4))
    >>> [x.dtype for x in float_inputs(nn.Identity(), q=half, k=half, v=array)]
    [torch.float64, torch.float64, torch.float64]
    """
    held = next((x for x in module.parameters() if x.is_floating_point()), None)
    there = [x.device for x in (held, *given.values()) if isinstance(x, Tensor)]
    tensors = [_as_tensor(name, x, there[0] if there else None) for name, x in given.items()]
    if len(places := list(dict.fromkeys(there))) > 1:
        raise ValueError(f"the mechanism, {', '.join(given)} must lie on one device; some are on {places[0]}, others "
                         f"on {places[1]}: move them, as in x.to('{places[0]}')")
    kinds = (x.dtype for x in tensors)
    dtype = reduce(torch.promote_types, kinds, torch.float32) if held is None else held.dtype
    return tuple(x.to(dtype) for x in tensors)


def _as_tensor(name: str, given: Any, device: torch.device | None) -> Tensor:
    if not isinstance(given, Tensor | np.ndarray):
        raise ValueError(f"{name} must be a tensor or an array of numpy; got {type(given).__name__}")
    if isinstance(given, np.ndarray) and (given.dtype.kind not in "fiub" or given.dtype.itemsize > 8):
        raise ValueError(f"{name} must be floating point; got an array of {given.dtype}")
    x = given if isinstance(given, Tensor) else torch.as_tensor(given.astype(given.dtype.newbyteorder("=")),
                                                                device=device)
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating point; got {str(x.dtype).removeprefix('torch.')}")
    return x
