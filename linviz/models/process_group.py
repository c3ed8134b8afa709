"""One model trained by several processes, which `torchrun` starts: each takes its part of every batch.

The mean of the gradients of equal parts is the gradient of the whole batch, so the processes take the same steps as one
process does, up to rounding. Every process has the whole model and draws the same batches; the first one alone writes.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist


@contextmanager
def process_group() -> Iterator[int]:
    """Join the processes that `torchrun` started, over gloo on the CPU; the number of this one, 0 without torchrun.

    >>> with process_group() as number:
    ...     number
    0
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or dist.is_initialized():
        yield 0
        return
    dist.init_process_group("gloo")
    try:
        yield dist.get_rank()
    finally:
        dist.destroy_process_group()


def process_count() -> int:
    """How many processes train together: 1 without torchrun."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Whether this process writes the files: there is no other, or it is the first."""
    return process_count() == 1 or dist.get_rank() == 0


def shared_model(model: nn.Module) -> nn.Module | None:
    """The model so that `backward` leaves the mean gradient of all processes in its parameters; None for one process.
    """
    return None if process_count() == 1 else nn.parallel.DistributedDataParallel(model)


def own_part(frames: Tensor, labels: Any) -> tuple[Tensor, Any]:
    """This process's part of a batch. ValueError where a batch cannot be cut into equal parts of clips and labels."""
    count = process_count()
    if count == 1:
        return frames, labels
    if not isinstance(labels, Tensor):
        raise ValueError("models that paint are trained by one process: leave out torchrun")
    if len(frames) % count:
        raise ValueError(f"{count} processes cannot share a batch of {len(frames)} clips equally: take a number that "
                         f"divides {len(frames)}")
    return frames[dist.get_rank()::count], labels[dist.get_rank()::count]


def mean_of_processes(*numbers: float) -> tuple[float, ...]:
    """Each number's mean over all processes.

    >>> mean_of_processes(0.5, 1.0)
    (0.5, 1.0)
    """
    if (count := process_count()) == 1:
        return numbers
    found = torch.tensor(numbers, dtype=torch.float64)
    dist.all_reduce(found)
    return tuple((found / count).tolist())


def wait_for_others() -> None:
    """Return when every process has come here; at once where there is only one."""
    if process_count() > 1:
        dist.barrier()
