"""q, k and v as they are given to a mechanism: tensors or arrays of numpy, of any floating point type.

All are converted to one type: that of the mechanism's parameters, or else the widest of the three, at least float32.
Half precision loses nothing on the way.
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
    tensors = [_as_tensor(name, x) for name, x in given.items()]
    held = next((x.dtype for x in module.parameters() if x.is_floating_point()), None)
    dtype = held or reduce(torch.promote_types, (x.dtype for x in tensors), torch.float32)
    return tuple(x.to(dtype) for x in tensors)


def _as_tensor(name: str, given: Any) -> Tensor:
    if not isinstance(given, Tensor | np.ndarray):
        raise ValueError(f"{name} must be a tensor or an array of numpy; got {type(given).__name__}")
    if isinstance(given, np.ndarray) and given.dtype.kind not in "fiub":
        raise ValueError(f"{name} must be floating point; got an array of {given.dtype}")
    x = torch.as_tensor(given)
    if not x.is_floating_point():
        raise ValueError(f"{name} must be floating point; got {str(x.dtype).removeprefix('torch.')}")
    return x
