"""Memory for long results, in pages of 2 MiB where the system has them.

The system hands out memory page by page, when a page is first written. In pages of 4 KiB that takes longer than to
compute a feature. numpy asks Linux for large pages from 4 MiB on; torch does not.
"""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .readable import is_readable

LONG_BYTES = 1 << 24  # from which a buffer gains by large pages
NUMPY_TYPES = {torch.float32: np.float32, torch.float64: np.float64}


def long_buffer(like: Tensor, shape: Sequence[int]) -> Tensor:
    """An empty tensor of this shape, with the dtype and the device of `like`.

    >>> long_buffer(torch.ones(1), (3, 2)).shape
    torch.Size([3, 2])
    """
    kind = NUMPY_TYPES.get(like.dtype)
    if kind is None or not is_readable(like) or torch.Size(shape).numel() * like.itemsize < LONG_BYTES:
        return like.new_empty(shape)
    return torch.from_numpy(np.empty(shape, kind))
