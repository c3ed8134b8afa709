"""Where do two of the maps differ? A map of their divergence per query, over the picture, and a way to the largest."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import streamlit as st

from linviz.palette import live_colours
from linviz.patch_view import module_source
from linviz.patch_view.blob import encode_blob
from linviz.views.map_divergence import SHARES, MapDivergence, default_pair, divergence_heading, map_divergence

from ..shared.frame_pictures import jpeg_frames
from ..shared.live_state import query_place
from ..shared.scenes import KeyedPanel, Scene
from ..shared.widgets import escape_markdown
from .concentrate_state import COMPARE, STATE
from .panel_work import scene_results
from .visit import Visit

HERE = Path(__file__).parent
_component = st.components.v2.component("linviz_divergence", js=module_source(
    HERE / "../shared/frames_page.js", HERE / "divergence.js"))
MAP = "compare_map"  # the key of the map
PICKS = ("compare_first", "compare_second")
MEANINGS = {True: "Of each patch, its two rows of attention: 0 bits if they are equal, 1 bit if they share no patch.",
            False: "Of each patch, its two rows of attention: 0 if they are equal, 1 if they share no patch."}
WAITS = "The gate of {title} is not fitted yet: its map can be compared when it is."


def shown_pair(panels: Sequence[KeyedPanel]) -> tuple[int, int] | None:
    """The two panels to compare: those of the page's state where both are drawn, or the two that one compares first."""
    state, keys = STATE.state, [panel.key for panel in panels]
    if state.compare is not None:
        first, second = (STATE.panel_keys(state)[n] for n in state.compare)
        if first in keys and second in keys:
            return keys.index(first), keys.index(second)
    return default_pair([panel.spec for panel in panels])


def open_pair(panels: Sequence[KeyedPanel]) -> tuple[int, int] | None:
    """The two panels that are compared; None while the map is folded away."""
    return shown_pair(panels) if st.session_state.get(COMPARE) else None


def compared_panels(panels: Sequence[KeyedPanel]) -> tuple[int, int] | None:
    """The pair as the state and the address hold it: by the numbers of all panels that were chosen."""
    there = STATE.panel_keys(STATE.state)
    st.session_state.setdefault(COMPARE, STATE.state.compare is not None)  # after another page it stands as it was
    found = [there.index(panels[n].key) for n in open_pair(panels) or () if panels[n].key in there]
    return (found[0], found[1]) if len(found) == 2 else None


def show_divergence(visit: Visit, panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene) -> None:
    """Shown beside two maps or more; nothing is computed before it is unfolded."""
    with st.container():  # there for one panel, too: what stands below keeps its place
        if len(panels) < 2:
            return
        label = "Where do these two differ?" if len(panels) == 2 else "Where do two of these differ?"
        with st.expander(label, key=COMPARE, on_change="rerun", icon=":material/difference:") as box:
            if box.open and (pair := shown_pair(panels)):
                _show_pair(visit, [panels[n] for n in _pick_pair(panels, titles, pair)], here, titles, panels)


def _pick_pair(panels: Sequence[KeyedPanel], titles: Sequence[str], pair: tuple[int, int]) -> tuple[int, int]:
    """Two lists to choose from, where there is a choice."""
    if len(panels) > 2:
        names = {panel.key: title for panel, title in zip(panels, titles)}
        for column, key, label, n in zip(st.columns(2), PICKS, ("Compare", "with"), pair):
            if st.session_state.get(key) != panels[n].key:
                st.session_state[key] = panels[n].key
            column.selectbox(label, list(names), key=key, format_func=names.__getitem__, on_change=_choose_pair,
                             args=([panel.key for panel in panels], pair))
    return pair


def _choose_pair(keys: Sequence[str], before: tuple[int, int]) -> None:
    """Another panel was chosen: a callback. Whoever chooses the other one again swaps the two."""
    first, second = (st.session_state[key] for key in PICKS)
    if first == second:
        second, first = (keys[n] for n in before)
    there = STATE.panel_keys(STATE.state)
    st.session_state[STATE.page] = STATE.state.with_values(compare=(there.index(first), there.index(second)))


# ------------------------------------------------------------------------------------------------ what is open


def _show_pair(visit: Visit, pair: Sequence[KeyedPanel], here: Scene, titles: Sequence[str],
               panels: Sequence[KeyedPanel]) -> None:
    """The heading, the button, the map and what its numbers mean."""
    if late := [panel.title for panel in pair if panel.waiting]:
        st.caption(escape_markdown(WAITS.format(title=late[0].rpartition(",")[0])))
        return
    names = {panel.key: title for panel, title in zip(panels, titles)}
    found = divergence_of(pair[0], pair[1], (names[pair[0].key], names[pair[1].key]), here)
    wide = st.container() if here.grid.T > 1 else None
    left, right = (wide, st.container()) if wide else st.columns([2, 3], gap="medium")
    with right if here.grid.T == 1 else left:
        st.markdown(f"**{escape_markdown(divergence_heading(found))}.**")
        if found.largest is not None:
            st.button(f"Go to the largest: {found.at(found.largest)}", key="compare_largest", on_click=go_to_patch,
                      args=(visit, here, found.largest), icon=":material/my_location:")
        st.caption(_meaning(found))
    with left if here.grid.T == 1 else right:
        _component(data=divergence_blob(found, here, visit), key=MAP, on_query_change=follow_clicks(visit, here))


def divergence_of(a: KeyedPanel, b: KeyedPanel, titles: tuple[str, str], here: Scene) -> MapDivergence:
    """The divergence of two panels, kept with the scene's other results."""
    key = ("divergence", a.result_key, b.result_key, titles)
    return scene_results(here).keep(key, lambda: map_divergence(a.map, b.map, here.grid, titles))


def _meaning(found: MapDivergence) -> str:
    """What the number is, and what is missing."""
    none = f" {found.empty:,} hatched patches have none: a row there is empty." * bool(found.empty)
    said = f"{found.measure.label}. {MEANINGS[found.measure.name == SHARES]}{none} {found.why}"
    return escape_markdown(said.strip())


def divergence_blob(found: MapDivergence, here: Scene, visit: Visit) -> bytes:
    """What the map draws; below zero stands for none, since a blob holds finite numbers only."""
    frames = scene_results(here).keep(("jpeg frames", *here.key), lambda: jpeg_frames(here.picture))
    values = found.values[here.grid.prefix:].nan_to_num(-1.0).float().numpy()
    content = {"grid": [here.grid.T, here.grid.Y, here.grid.X], "prefix": here.grid.prefix, "frames": frames,
               "values": values, "top": found.top, "high": f"{found.top:.1f} {found.measure.unit}",
               "unit": found.measure.unit, "largest": found.largest, "colours": live_colours(),
               "alt": f"{divergence_heading(found)}."}
    return encode_blob(content, {"query": visit.query, "projector": visit.live.look.projector})


# ------------------------------------------------------------------------------------------------ to a patch


def go_to_patch(visit: Visit, here: Scene, token: int) -> None:
    """Every panel shows the row of this patch, on its own frame: a callback."""
    visit.live.ask(query_place(token, here.grid), replace(visit.live.look, frame=None))


def follow_clicks(visit: Visit, here: Scene) -> Callable[[], None]:
    """What happens when a patch of the map is clicked: a callback."""
    def clicked() -> None:
        asked = st.session_state[MAP].query
        if asked and here.grid.prefix <= asked["query"] < len(here.grid):
            go_to_patch(visit, here, asked["query"])
    return clicked
