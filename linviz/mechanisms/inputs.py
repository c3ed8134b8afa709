"""q, k and v as they are given to a mechanism: tensors or arrays of numpy, of any floating point type.

All are converted to one type: that of the mechanism's parameters, or else the widest of the three, at least float32.
Half precision is too coarse for sums over thousands of tokens: everything is computed in float32, from parameters in
half precision as well, and the output is rounded. Arrays of numpy go to the device of the parameters or of the others.
"""
from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from functools import reduce
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

Given = Tensor | np.ndarray
HALF = (torch.float16, torch.bfloat16)
FLOATS = (*HALF, torch.float32, torch.float64)


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
    free = held is None or held.dtype in HALF
    dtype = reduce(torch.promote_types, kinds, torch.float32) if free or held is None else held.dtype
    return tuple(x.to(dtype) for x in tensors)


def rounded_output(o: Tensor, *given: Given) -> Tensor:
    """An output in half precision where q, k and v were given in half precision, of one type; else as it is.

    >>> half = torch.ones(3, dtype=torch.bfloat16)
    >>> rounded_output(torch.ones(3), half, half, half).dtype, rounded_output(torch.ones(3), half, half.half()).dtype
    (torch.bfloat16, torch.float32)
    """
    kinds = {str(x.dtype).removeprefix("torch.") for x in given}
    return next((o.to(half) for half in HALF if kinds == {str(half).removeprefix("torch.")}), o)


def without_autocast(like: Given) -> AbstractContextManager[Any]:
    """A context in which torch.autocast, where it is on, turns no sum into one of half precision.

    >>> with torch.autocast("cpu"), without_autocast(torch.ones(1)):
    ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
    torch.float32
    """
    kind = like.device.type if isinstance(like, Tensor) else "cpu"
    on = kind in ("cpu", "cuda", "mps", "xpu") and torch.is_autocast_enabled(kind)
    return torch.autocast(kind, enabled=False) if on else nullcontext()


M = TypeVar("M", bound=nn.Module)


def widened(module: M) -> M:
    """The module with its parameters and buffers of half precision as float32, which share their gradient; or itself.

    >>> layer = nn.Linear(2, 2).half()
    >>> widened(layer).weight.dtype, layer.weight.dtype, widened(nn.Linear(2, 2)).weight.dtype
    (torch.float32, torch.float16, torch.float32)
    """
    if not any(x.dtype in HALF for x in (*module.parameters(), *module.buffers())):
        return module
    twin = copy.copy(module)
    for name in ("_parameters", "_buffers"):
        held = getattr(module, name).items()
        twin.__dict__[name] = {n: x if x is None or x.dtype not in HALF else x.float() for n, x in held}
    twin.__dict__["_modules"] = {n: None if m is None else widened(m) for n, m in module._modules.items()}
    return twin


def is_readable(x: Tensor) -> bool:
    """Whether the values of x can be looked at without waiting for a GPU or ending a compiled or a mapped call.

    >>> is_readable(torch.ones(2)), is_readable(torch.ones(2, device="meta"))
    (True, False)
    """
    if torch.compiler.is_compiling() or x.device.type != "cpu":
        return False
    return not torch._C._functorch.is_functorch_wrapped_tensor(x)  # inside torch.vmap; torch has no public name for it


def _as_tensor(name: str, given: Any, device: torch.device | None) -> Tensor:
    if not isinstance(given, Tensor | np.ndarray):
        raise ValueError(f"{name} must be a tensor or an array of numpy; got {type(given).__name__}")
    if isinstance(given, np.ndarray) and (given.dtype.kind not in "fiub" or given.dtype.itemsize > 8):
        raise ValueError(f"{name} must be floating point; got an array of {given.dtype}")
    x = given if isinstance(given, Tensor) else torch.as_tensor(given.astype(given.dtype.newbyteorder("=")),
                                                                device=device)
    if x.dtype not in FLOATS:
        few = " of 16, 32 or 64 bits" * x.is_floating_point()
        raise ValueError(f"{name} must be floating point{few}; got {str(x.dtype).removeprefix('torch.')}")
    if x.layout != torch.strided:
        raise ValueError(f"{name} must be a dense tensor; got a sparse one: use {name}.to_dense()")
    return x
