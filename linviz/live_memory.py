"""How much memory a call needs: the bytes of the tensors that exist at the same time, counted operation by operation.

Nothing else in the process is counted, so the number is the same on every machine. Buffers inside a single operation
of torch are not seen.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode


class _LiveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make and that still exist."""

    def __init__(self) -> None:
        super().__init__()
        self.peak, self._alive = 0, dict[int, tuple[StorageWeakRef, int]]()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {x.untyped_storage()._cdata for x in _tensors_in((args, kwargs or {}))}
        for x in _tensors_in(out):
            storage = x.untyped_storage()
            if storage._cdata not in given:
                self._alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self._alive = {key: one for key, one in self._alive.items() if not one[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self._alive.values()))
        return out


def _tensors_in(thing: Any) -> Iterator[torch.Tensor]:
    """All tensors in nested tuples, lists and dictionaries."""
    if isinstance(thing, torch.Tensor):
        yield thing
    elif isinstance(thing, dict | list | tuple):
        for item in thing.values() if isinstance(thing, dict) else thing:
            yield from _tensors_in(item)


@torch.no_grad()
def peak_bytes(run: Callable[[], Any]) -> int:
    """Bytes of all tensors that a call makes and that exist at the same time, at most.

    >>> x = torch.ones(10, dtype=torch.float64)
    >>> peak_bytes(lambda: x + x + x), peak_bytes(lambda: x.view(2, 5))
    (160, 0)
    """
    with _LiveBytes() as live:
        kept = run()
    del kept
    return live.peak
