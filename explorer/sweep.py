"""What a visitor has brought goes when the visit ends.

Streamlit keeps a closed visit for two minutes, in case only the connection was lost. After that it lets go of the
visit only when the next visitor closes a page. So a thread looks.
"""
from __future__ import annotations

import contextlib
import gc
import time
from threading import Thread
from typing import Any

from streamlit.runtime import Runtime

EVERY = 30  # seconds


def begin() -> None:
    """Look from time to time, aside, as long as the server runs."""
    Thread(target=_watch, name="sweep", daemon=True).start()


def _watch() -> None:
    while True:
        time.sleep(EVERY)
        if Runtime.exists():
            runtime = Runtime.instance()
            with contextlib.suppress(RuntimeError):  # the server is about to end
                runtime._get_async_objs().eventloop.call_soon_threadsafe(sweep, runtime)


def sweep(runtime: Any) -> int:
    """Let go of the visits that ended too long ago; how many. To be called in the server's own thread."""
    gone = len(runtime._session_mgr._session_storage._cache.expire())
    if gone:
        gc.collect()  # what a visit holds points back at it
    return gone
