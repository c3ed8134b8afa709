"""The opening of the page Concentrate: its imports, the fit of its gate, its readings, its blob and its tiles."""
from __future__ import annotations

import gc

import linviz.figures  # noqa: F401 (what the page imports besides)
import linviz.patch_view.streamlit  # noqa: F401
from linviz.views import View

from ..shared.background_jobs import PAGES
from ..shared.live_state import query_place
from ..shared.scenes import sample_scene
from .fixation_panel import gate_tiles, gated_panels
from .panel_work import panel_titles, view_blob
from .visit import Visit
from .what_fits import page_grid


def make_opening() -> None:
    """Everything that the first page shows, kept for every visitor."""
    visit, opening = Visit(), View()
    here = sample_scene(str(opening.source), page_grid(opening, None), opening.temperature)
    with PAGES.waiting():  # the first page waits for this work: it lets none pass
        for _ in ("fits", "readings of what was fitted"):
            visit.panels(here, opening)
            visit.settle(60, readings=True)
    panels = visit.panels(here, opening)
    view_blob(panels, panel_titles(panels), here, intro=True, words={})
    for n in gated_panels(panels):
        gate_tiles(panels[n], here, query_place(here.query, here.grid)[0])
    gc.freeze()  # modules and the opening stay: the garbage collector need not walk through them each time
