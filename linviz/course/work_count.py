"""How much an answer computes: in torch by its operations, in numpy and Python by lines of code and by memory.

No clock is read, so the counts are the same on every machine. This module knows no exercise: the grader loads it into
the process that runs the answers.
"""
from __future__ import annotations

import copy
import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

LIBRARIES = tuple(str(Path(m.__file__ or "").parent) for m in (torch, np)) + (__file__,)


@dataclass(frozen=True)
class Work:
    """What one call of an answer computes."""

    numbers: int    # made by torch
    calls: int      # operations of torch
    largest: int    # the most numbers that one operation, or one line outside torch, makes
    outside: int    # lines of Python, plus one for every eight bytes that they allocate
    peak: int       # bytes that are held at once, in torch and outside


class Tally(TorchDispatchMode):
    """Counts every number that torch computes while the context is active, and the bytes of tensors that are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = self.calls = self.largest = self.peak = 0
        self.alive: dict[int, tuple[StorageWeakRef, int]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Not to be hidden from torch's compiler, which would be imported for it, in seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        made = [t for t in (out if isinstance(out, tuple | list) else (out,)) if isinstance(t, Tensor)]
        count = sum(t.numel() for t in made)
        self.calls, self.numbers, self.largest = self.calls + 1, self.numbers + count, max(self.largest, count)
        self.hold(made)
        return out

    def hold(self, made: list[Tensor]) -> None:
        """Note the memory of new tensors, and forget those that are gone."""
        self.alive = {key: held for key, held in self.alive.items() if not held[0].expired()}
        for storage in (t.untyped_storage() for t in made if t.layout == torch.strided):
            self.alive[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        self.peak = max(self.peak, sum(size for _, size in self.alive.values()))


class LineTrace:
    """Counts lines of Python and what they allocate outside torch: arrays of numpy, lists, numbers."""

    def __init__(self) -> None:
        self.lines = self.made = self.peak = self.largest = 0

    def __enter__(self) -> LineTrace:
        self.before, self.own = sys.gettrace(), not tracemalloc.is_tracing()
        if self.own:
            tracemalloc.start()
        tracemalloc.reset_peak()
        self.first = self.last = tracemalloc.get_traced_memory()[0]
        sys.settrace(self.see)
        return self

    def see(self, frame: FrameType, event: str, arg: Any) -> Any:
        """One event of Python: a call, a line, or a return."""
        current, peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        self.add(peak)
        self.last, self.lines = current, self.lines + 1
        return None if frame.f_code.co_filename.startswith(LIBRARIES) else self.see

    def add(self, peak: int) -> None:
        """Count what was allocated since the last event."""
        self.made, self.largest = self.made + max(0, peak - self.last), max(self.largest, peak - self.last)
        self.peak = max(self.peak, peak - self.first)

    def __exit__(self, *error: object) -> None:
        sys.settrace(self.before)
        self.add(tracemalloc.get_traced_memory()[1])
        if self.own:
            tracemalloc.stop()


def measure_work(answer: Callable[..., Any], given: tuple[Any, ...]) -> Work:
    """The work of one call of an answer. It is called twice: the first call may import something.

    >>> measure_work(lambda x: x @ x.mT, (torch.ones(100, 2),)).largest
    10000
    >>> measure_work(lambda x: x.numpy() @ x.numpy().T, (torch.ones(100, 2).double(),)).outside > 10_000
    True
    """
    if hasattr(answer, "measure_work"):     # it runs in another process, and is counted there
        work: Work = answer.measure_work(given)
        return work
    first, second = copy.deepcopy(given), copy.deepcopy(given)
    with Tally() as torch_work:
        answer(*first)
    with LineTrace() as outside:
        answer(*second)
    return Work(torch_work.numbers, torch_work.calls, max(torch_work.largest, outside.largest // 8),
                outside.lines + outside.made // 8, torch_work.peak + outside.peak)


def count_numbers(answer: Callable[..., Any], given: tuple[Any, ...]) -> int:
    """How many numbers an answer computes in torch.

    >>> count_numbers(lambda x: x @ x.mT, (torch.ones(10, 2),)) >= 100
    True
    """
    with Tally() as count:
        answer(*given)
    return count.numbers


def memory_growth(answer: Callable[..., Any], given: tuple[Any, ...]) -> int:
    """Bytes by which the memory of the answer's process grows in one call; 0 where nothing measures it.

    >>> memory_growth(lambda x: x, (torch.ones(3),))
    0
    """
    measure = getattr(answer, "memory_growth", None)
    return measure(given) if measure else 0
