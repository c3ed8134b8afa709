"""Work that takes longer than a page may: done in the background, watched, stopped, its results kept for everybody.

A `Job` belongs to one visitor, who may stop it; its result goes into the `ResultCache`, where every
visitor finds it at once. Nobody waits for another's job.
"""
from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager, contextmanager
from threading import Condition, Lock
from typing import Any, TypeVar

T = TypeVar("T")
Report = Callable[[int, int, float], bool]  # step, steps, a number to show -> whether to go on
Task = Callable[[Report], Any]
COURTESY = 0.25  # seconds for which a step waits for pages, at most: with many visitors, too, work goes on
PAINTING = 0.3   # seconds for which a browser on the same machine paints a page that was sent


class ResultCache:
    """The newest `most` results by key; the result that was not used for longest goes first.

    >>> cache = ResultCache(most=1)
    >>> cache.put("a", 1); cache.put("b", 2)
    >>> cache.get("a"), cache.get("b")
    (None, 2)
    """

    def __init__(self, most: int) -> None:
        self.most, self._kept, self._lock = most, OrderedDict[Hashable, Any](), Lock()

    def get(self, key: Hashable) -> Any:
        """The result under this key, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a result."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)

    def keep(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result under this key; where there is none, it is made and kept."""
        found: T | None = self.get(key)
        if found is None:
            self.put(key, found := make())
        return found


class DrawnPages:
    """How many pages are being drawn: they come first, and background work lets them pass at every step.

    Python runs one thread at a time: without this a page would have to ask each job for every turn.
    """

    def __init__(self) -> None:
        self._drawn, self._change, self._painted = 0, Condition(), 0.0

    @contextmanager
    def drawing(self, one: int = 1) -> Iterator[None]:
        """While a page is drawn."""
        self._count(one)
        try:
            yield
        finally:
            if one > 0:
                self._painted = time.monotonic() + PAINTING
            self._count(-one)

    def waiting(self) -> AbstractContextManager[None]:
        """While a page that is drawn itself waits for background work."""
        return self.drawing(-1)

    def pass_by(self) -> None:
        """Return when no page is drawn or painted, or after `COURTESY` seconds."""
        latest = time.monotonic() + COURTESY
        with self._change:
            self._change.wait_for(lambda: self._drawn <= 0, COURTESY)
            self._change.wait_for(lambda: False, max(0.0, min(self._painted, latest) - time.monotonic()))

    def _count(self, more: int) -> None:
        with self._change:
            self._drawn += more
            self._change.notify_all()


PAGES = DrawnPages()


class Job:
    """A task on its way in another thread. `step`, `steps`, `value`: how far it is, and its latest number."""

    def __init__(self, task: Task, pool: Executor, done: Callable[[Any], None] = lambda result: None) -> None:
        self.step, self.steps, self.value, self.stopped = 0, 1, 0.0, False
        self.future: Future[Any] = pool.submit(self._run, task, done)

    def _run(self, task: Task, done: Callable[[Any], None]) -> Any:
        result = task(self._report)
        if not self.stopped:
            done(result)
        return result

    def _report(self, step: int, steps: int, value: float) -> bool:
        self.step, self.steps, self.value = step, steps, value
        PAGES.pass_by()
        return not self.stopped

    def stop(self) -> None:
        """End it at its next step; what has not begun does not begin. Its result is not kept."""
        self.stopped = True
        self.future.cancel()

    @property
    def over(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self.future.done()

    def result(self) -> Any:
        """What it brought, None if it was stopped before it began; raises what it raised."""
        return None if self.future.cancelled() else self.future.result()


class JobList:
    """The jobs of one visitor, by key."""

    def __init__(self) -> None:
        self.jobs: dict[Hashable, Job] = {}

    def want(self, tasks: dict[Hashable, Callable[[], Job]]) -> None:
        """See that exactly these are on their way: begin what is new, stop what is no longer wanted."""
        for key in [key for key in self.jobs if key not in tasks]:
            self.jobs.pop(key).stop()
        for key, begin in tasks.items():
            if key not in self.jobs:
                self.jobs[key] = begin()

    @property
    def running(self) -> list[Job]:
        """Those that have not ended."""
        return [job for job in self.jobs.values() if not job.over]
