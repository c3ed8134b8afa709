"""The opening, made while the server starts and the browser is still on its way."""
from __future__ import annotations

import gc
from threading import Thread

from .shared.jobs import PAGES

_thread: Thread | None = None


def begin() -> None:
    """Import what pages need, fit the opening's gate and read its maps, aside and once."""
    global _thread
    if _thread is None:
        _thread = Thread(target=_make, name="warm", daemon=True)
        _thread.start()


def wait(seconds: float) -> None:
    """Wait for that, if it was begun: rather than do the same work twice at once."""
    if _thread is not None:
        with PAGES.waiting():
            _thread.join(seconds)


def _make() -> None:
    import linviz.figures  # noqa: F401 (what a page imports besides)
    import linviz.patch_view.streamlit  # noqa: F401

    from .concentrate import stage
    from .concentrate.choice import OPENING
    from .concentrate.visit import Visit

    visit, here = Visit(), stage.scene(OPENING.clip, OPENING.grid, OPENING.temperature)
    with PAGES.waiting():  # the first page waits for this work: it lets none pass
        for _ in ("fits", "readings of what was fitted"):
            visit.panels(here, OPENING)
            visit.settle(60, readings=True)
    stage.blob(panels := visit.panels(here, OPENING), stage.titles(panels), here, intro=True, wish={})
    gc.freeze()  # modules and the opening stay: what looks for rubbish later need not walk through them each time
