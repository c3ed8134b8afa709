"""The opening, made while the server starts and the browser is still on its way."""
from __future__ import annotations

import gc
from threading import Thread

from linviz.views import View

from .shared.background_jobs import PAGES

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
    """Everything that the first page shows."""
    import linviz.figures  # noqa: F401 (what a page imports besides)
    import linviz.patch_view.streamlit  # noqa: F401

    from .concentrate.panel_work import panel_titles, view_blob
    from .concentrate.visit import Visit
    from .concentrate.what_fits import page_grid
    from .shared.scenes import sample_scene

    visit, opening = Visit(), View()
    here = sample_scene(str(opening.source), page_grid(opening, None), opening.temperature)
    with PAGES.waiting():  # the first page waits for this work: it lets none pass
        for _ in ("fits", "readings of what was fitted"):
            visit.panels(here, opening)
            visit.settle(60, readings=True)
    panels = visit.panels(here, opening)
    view_blob(panels, panel_titles(panels), here, intro=True, words={})
    gc.freeze()  # modules and the opening stay: what looks for rubbish later need not walk through them each time
