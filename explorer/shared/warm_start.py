"""What the first page shows, made while the server starts and the browser is still on its way."""
from __future__ import annotations

from collections.abc import Callable
from threading import Thread

from .background_jobs import PAGES

_thread: Thread | None = None


def begin_once(task: Callable[[], None]) -> None:
    """Run a task in the background, once per server."""
    global _thread
    if _thread is None:
        _thread = Thread(target=task, name="warm", daemon=True)
        _thread.start()


def wait_for_task(seconds: float) -> None:
    """Wait for the task, if it was begun: rather than do the same work twice at once."""
    if _thread is not None:
        with PAGES.waiting():
            _thread.join(seconds)
