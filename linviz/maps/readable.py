"""Whether the values of a tensor may be looked at: for checks, which must never change what is computed."""
from __future__ import annotations

import torch
from torch import Tensor


def is_readable(x: Tensor) -> bool:
    """Whether the values of x can be looked at without waiting for a GPU or ending a compiled or a mapped call.

    >>> is_readable(torch.ones(2)), is_readable(torch.ones(2, device="meta"))
    (True, False)
    """
    if torch.compiler.is_compiling() or x.device.type != "cpu":
        return False
    return not torch._C._functorch.is_functorch_wrapped_tensor(x)  # inside torch.vmap; torch has no public name for it
