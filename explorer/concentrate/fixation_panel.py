"""The fixation panel: what a fitted gate opens and shuts, what its parts do, and what a shift brings to a patch."""
from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st
import torch
from torch import Tensor

from linviz import Grid, clips
from linviz.figures import heat, ratios, shifts
from linviz.fixation import PARTS, STEPS, content_weights
from linviz.models.apart import WAYS, compare_parts
from linviz.views.panel_steps import make_mechanism

from ..shared.live_state import query_place
from ..shared.number_tables import NONE, html_table, three_digits
from ..shared.scenes import KeyedPanel, Scene
from ..shared.widgets import is_dark, show_figure
from .panel_work import scene_results

ALL = "mean of all"
MEANING = ("The gate multiplies each feature of a query and of a key by a ratio r between 0 and 1. Near 1 it keeps the "
           "feature, near 0 it shuts it.")
LOW = -4.0  # of log10 r: what the colour scale ends at


def gated_panels(panels: Sequence[KeyedPanel]) -> list[int]:
    """Which panels have a gate that is fitted."""
    return [n for n, panel in enumerate(panels) if panel.mechanism.gate is not None and not panel.waiting]


@st.fragment
def fixation_panel(panels: Sequence[KeyedPanel], titles: Sequence[str], here: Scene, query: int) -> None:
    """Shown where something is gated or shifted; nothing is worked out before it is opened."""
    st.session_state.fixation_row = query_place(query, here.grid)[:2]
    which = [n for n, panel in enumerate(panels) if n in gated_panels(panels) or panel.mechanism.parsed.shift]
    if not which:
        return
    st.subheader("Feature fixation weights", anchor=False)
    st.caption(MEANING)
    if not st.toggle("Show the weights, and take the gate apart", key="apart"):
        return
    if here.q.shape[1] > 1 or here.key_grid is not None:
        st.caption("The weights are shown of one head at a time, and of keys that lie where the queries lie.")
        return
    n = which[0] if len(which) == 1 else st.radio("Of", which, format_func=lambda i: titles[i], horizontal=True,
                                                  key="apart_of")
    if n in gated_panels(panels):
        show_ratios(panels[n], here, query)
        show_parts(panels[n], here)
    if panels[n].mechanism.parsed.shift:
        show_shift(panels[n], here, query)


def follow_query(query: int, grid: Grid) -> None:
    """A patch of another row was pinned while the panel is open: the page runs again, to show that row."""
    row = query_place(query, grid)[:2]
    if st.session_state.get("apart") and st.session_state.get("fixation_row", row) != row:
        st.session_state.fixation_row = row
        st.rerun()


# ------------------------------------------------------------------------------------------------ what is open


def show_ratios(panel: KeyedPanel, here: Scene, query: int) -> None:
    """Ratios by channel along the pinned row of patches, and on the picture; features before and after."""
    t, y, _ = query_place(query, here.grid)
    r_q, r_k = (r[0, 0] for r in panel.reading.fixation)
    names = channel_names(r_q.shape[-1])
    first = here.grid.number(t, y, 0)
    across = slice(first, first + here.grid.X)
    log_q, log_k = (x.log10().clamp_min(LOW) for x in (r_q, r_k))
    rows = log_q[across].mT.numpy(), log_k[across].mT.numpy()
    tokens = f"patches of row {y + 1}, left to right"
    show_figure(ratios.ratio_heatmaps(rows[0], rows[1], names, tokens=tokens, dark=is_dark()), "fixation_channels")
    picked = st.selectbox("Channel on the picture", [ALL, *names], key="apart_channel")
    pair = [x.mean(-1) if picked == ALL else x[:, names.index(picked)] for x in (log_q, log_k)]
    frames = torch.stack([frame_of_patches(x, here, t) for x in pair]).numpy()
    both = ratios.ratio_pictures(frames, ["queries", "keys"], dark=is_dark())
    show_figure(both.update_yaxes(matches=None, constrain="domain"), "fixation_picture")
    phi_q, phi_k, _ = (x[0, 0] for x in panel.mechanism.features(here.q, here.k, here.v))
    sizes = [frame_of_patches(x.abs().sum(-1), here, t) for x in (phi_q, r_q * phi_q, phi_k, r_k * phi_k)]
    relative = torch.stack([x / x.sum() * x.numel() for x in sizes])
    show_figure(heat.patch_panels(relative.numpy(), ["queries", "queries, gated", "keys", "keys, gated"],
                            bar="size, times its mean", top=relative.max().item(), columns=4, dark=is_dark()),
                "fixation_features")
    st.caption("The size of a token's features, summed over channels, before and after the gate, as a multiple of the "
               "mean over the picture. Only contrast counts, since a row is divided by its sum.")


def frame_of_patches(x: Tensor, here: Scene, t: int) -> Tensor:
    """One number a token as one frame of patches."""
    return here.grid.fold(x[:, None].float())[t, ..., 0]


def channel_names(n: int) -> list[str]:
    """What the channels of features are called: as the descriptors, where there is one for each.

    >>> channel_names(2)
    ['channel 1', 'channel 2']
    """
    return list(clips.CHANNELS[:n]) if n in (16, 18) else [f"channel {c}" for c in range(1, n + 1)]


# ------------------------------------------------------------------------------------------------ parts and shifts


def show_parts(panel: KeyedPanel, here: Scene) -> None:
    """The table of what is left of the gate's work when a part of it is taken away."""
    try:
        st.html(parts_table(gate_apart(panel, here)))
    except ValueError as error:
        st.caption(f"Its parts cannot be told apart: {error}.")


@torch.no_grad()
def gate_apart(panel: KeyedPanel, here: Scene) -> dict[str, Any]:
    """The gate taken apart, kept with the scene's other results."""
    qkv = here.q, here.k, here.v
    return scene_results(here).keep(("apart", panel.result_key), lambda: compare_parts(
        panel.mechanism, *qkv, make_mechanism("softmax", here).map(*qkv)))


def parts_table(found: dict[str, Any]) -> str:
    """As HTML: a row a way, its entropy and the share of softmax's concentration that it recovers."""
    body = [f'<tr><th scope="row">{escape(WAYS[name])}</th><td>{three_digits(one["entropy"])}</td>'
            f'<td>{NONE if one["recovered"] is None else three_digits(100 * one["recovered"])}</td></tr>'
            for name, one in found.items()]
    heads = ('<th scope="col">entropy <span class="unit">(bits)</span></th>'
             '<th scope="col">of softmax\'s concentration <span class="unit">(%)</span></th>')
    return html_table(heads, "", body)


def show_shift(panel: KeyedPanel, here: Scene, query: int) -> None:
    """Arrows of the shift, and where the content came from that the pinned patch mixes in."""
    axis = panel.mechanism.parsed.shift or "time"
    width = here.v.shape[-1]
    size = width // PARTS[axis]
    names = shifts.fold_names([size] * len(STEPS[axis]) + [width - size * len(STEPS[axis])])
    where = {name: (step[1], step[2] if axis == "space" else step[0]) for name, step in zip(names, STEPS[axis])}
    axes = {"across": "frame"} if axis == "time" else {"across": "column", "down": "row"}
    show_figure(shifts.shift_arrows(where, names[-1], dark=is_dark(), **axes), "fixation_shift")
    t = query_place(query, here.grid)[0]
    row = panel.reading.map.rows(torch.tensor([query]))[0, 0, 0].double()
    both = (row, content_weights(row, here.grid, width, axis))
    pair = torch.stack([frame_of_patches(x * len(here.grid), here, t) for x in both])
    show_figure(heat.patch_panels(pair.numpy(), ["where the weight lies", "where the content came from"],
                            bar="weight, times its mean", top=pair.max().item(), columns=2, dark=is_dark()),
                "fixation_content")
    st.caption("v is shifted before it is mixed: part of the content of a patch came from its neighbour.")
