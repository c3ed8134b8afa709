"""A call whose peak is known, for the measurement of memory; nothing large is imported."""
from __future__ import annotations

from collections.abc import Callable


def array_call(size: int) -> Callable[[], bytes]:
    """A call that makes an array of `size` MiB, beside twice as much that was there before."""
    before = b"0" * (2 * size << 20)
    return lambda: before[:1] * (size << 20)
