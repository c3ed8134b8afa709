"""What may be done with a tensor: whether its values may be looked at, and whether autograd follows it."""
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


def wants_gradient(*tensors: Tensor) -> bool:
    """Whether autograd follows what is computed from these tensors.

    >>> x = torch.ones(2, requires_grad=True)
    >>> wants_gradient(torch.ones(2), x), wants_gradient(x.detach())
    (True, False)
    """
    return torch.is_grad_enabled() and any(x.requires_grad for x in tensors)
