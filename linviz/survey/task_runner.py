"""Run many independent tasks: one after the other in this process, or on the workers of a Dask cluster.

A task travels as names and numbers; what it makes, it writes into a folder that driver and workers share, as one file
that is there completely or not at all. So a task that runs twice writes the same file again, and whoever dies, the next
run finds what is there and does the rest. Nothing of a result travels: a task answers with a short text.
"""
from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from .survey_options import LOCAL

Task = TypeVar("Task")
RETRIES = 3     # how often a task may fail for reasons of its worker before its error counts
PATIENCE = 30   # seconds in which a scheduler has to answer
NO_DASK = ("--dask needs Dask, which is not installed: `python3 start.py survey --help` installs it in a clone, "
           "pip install 'linviz[cluster]' elsewhere")


class Lost(OSError):
    """The scheduler of Dask is gone."""


@contextmanager
def dask_client(where: str | None, workers: int | None = None) -> Iterator[Any]:
    """A client of Dask's scheduler at an address, or of new workers on this computer for "local"; None for None.

    ValueError, in one sentence, where Dask is not installed or nobody answers at the address.

    >>> with dask_client(None) as client:
    ...     print(client)
    None
    """
    if where is None:
        yield None
        return
    try:
        from dask.distributed import Client, LocalCluster
    except ImportError:
        raise ValueError(NO_DASK) from None
    for name in ("client", "utils"):    # they print a traceback where Lost says the same in a sentence
        logging.getLogger(f"distributed.{name}").setLevel(logging.CRITICAL)
    if where == LOCAL:
        with (LocalCluster(n_workers=workers or os.cpu_count() or 1, threads_per_worker=1, silence_logs=logging.ERROR,
                           host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster, Client(cluster) as client):
            yield client
        return
    try:
        client = Client(where, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise ValueError(f"no scheduler of Dask answers at {where} ({type(error).__name__}): start one with "
                         "`dask scheduler`, or write --dask local") from error
    try:
        yield client
    finally:
        client.close(timeout=PATIENCE)


def run_tasks(run: Callable[[Task], str], tasks: Sequence[Task], client: Any = None) -> Iterator[tuple[int, str, str]]:
    """Run every task; yield its number, its answer and "", as they end: in order only without a client.

    Where a task's workers died again and again, its answer is "" and the last text says why. Any other error of a task
    ends the run with this error. Lost, an OSError of one sentence, where the scheduler dies.

    >>> list(run_tasks(str.upper, ["a", "b"]))
    [(0, 'A', ''), (1, 'B', '')]
    """
    if client is not None:
        yield from _run_on_dask(run, tasks, client)
        return
    for n, task in enumerate(tasks):
        yield n, run(task), ""


def _run_on_dask(run: Callable[[Task], str], tasks: Sequence[Task], client: Any) -> Iterator[tuple[int, str, str]]:
    from dask.distributed import as_completed
    futures = client.map(run, tasks, pure=False, retries=RETRIES, batch_size=1000)
    numbers = {future.key: n for n, future in enumerate(futures)}
    try:
        for future in as_completed(futures):
            yield numbers[future.key], *_task_answer(future)
            future.release()
    finally:
        if client.status == "running":
            client.cancel(futures)


def _task_answer(future: Any) -> tuple[str, str]:
    """The answer of a task that has ended, or why there is none."""
    from concurrent.futures import CancelledError

    from dask.distributed import KilledWorker
    from distributed.comm import CommClosedError
    try:
        return str(future.result(timeout=PATIENCE)), ""
    except KilledWorker:
        return "", f"its worker died {RETRIES + 1} times: perhaps there is too little memory"
    except (CancelledError, TimeoutError, CommClosedError) as error:
        raise Lost("the scheduler of Dask does not answer any more") from error
