"""What the attention paints: the picture's own pixels mixed by every map, and the attention that patches receive."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from linviz.views import OpenView
from linviz.views.key_frames import MEANING, frame_scores, key_frames_heading
from linviz.views.repainted_figures import received_figure, repainted_figure
from linviz.views.repainted_output import (
    check_patches,
    painted_frames,
    received_attention,
    relative_error,
    repainted_output,
    softmax_output,
)

from ..shared.scenes import KeyedPanel, Scene
from ..shared.widgets import escape_markdown, is_dark, show_figure
from .concentrate_state import STATE
from .panel_work import scene_results
from .visit import Visit

PAINTED = "painted"  # the widget that unfolds the panel
WHAT = ("Here v is the pixels of each patch, so an output is a patch, too: the mixture that its row stands for. Off: "
        "the size of the difference from the output of softmax, as a share of the size of that output.")
RECEIVES = "Attention received: the mean weight that all queries give to a patch. An equal share is 1."


def show_painted(visit: Visit, panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene) -> None:
    """Folded, and nothing is computed before it is unfolded; for maps whose gates are fitted."""
    with st.expander("What does the attention paint, and who is looked at?", key=PAINTED, on_change="rerun",
                     icon=":material/brush:") as box:
        ready = [panel for panel in panels if not panel.waiting]
        if not box.open or not ready:
            return
        opened = _opened(visit, ready, here)
        _show_outputs(opened, ready, here)
        received = [scene_results(here).keep(("received", panel.result_key), partial(received_attention, panel.map))
                    for panel in ready]
        show_figure(received_figure(opened, received, is_dark()), "received")
        st.caption(RECEIVES)
        if here.grid.T > 1 and here.key_grid is None:
            st.caption(escape_markdown(f"{key_frames_heading(frame_scores(opened))} {MEANING}"))


def _opened(visit: Visit, panels: Sequence[KeyedPanel], here: Scene) -> OpenView:
    """The panels as an open view on the frame that is shown."""
    shown = {(panel.spec, panel.key): panel for panel in panels}
    state = replace(STATE.state, frames=here.grid.T if here.grid.T > 1 else STATE.state.frames, compare=None,
                    specs=tuple(spec for spec, _ in shown), options=tuple(panel.options for panel in shown.values()),
                    query=here.grid.place(max(visit.query, here.grid.prefix)), look=visit.live.look)
    return OpenView(state, here, tuple(panels), tuple(panels))


def _show_outputs(opened: OpenView, panels: Sequence[KeyedPanel], here: Scene) -> None:
    """The pictures that the maps paint, or why there are none."""
    try:
        check_patches(here)
    except ValueError as error:
        st.caption(f"No picture is repainted: {error}.")
        return
    keep = scene_results(here).keep
    wanted = keep(("softmax output", *here.key), lambda: softmax_output(here))
    outputs = [keep(("output", panel.result_key), partial(repainted_output, panel.map, here.clip, here.grid))
               for panel in panels]
    found = [(painted_frames(one.clamp(0, 1), here.grid), relative_error(one, wanted)) for one in outputs]
    show_figure(repainted_figure(opened, found, is_dark()), "repainted")
    st.caption(WHAT)
