"""The section on attention rollout of the page Who sees whom: three rules side by side, and what they say as files."""
from __future__ import annotations

import json
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import PngImagePlugin

from linviz import flow
from linviz.mechanisms import REGISTRY
from linviz.palette import live_colours
from linviz.patch_view import module_source
from linviz.patch_view.blob import encode_blob, frame_image
from linviz.patch_view.light import FULL, LIGHT
from linviz.patch_view.still import attention_image, ring_radius
from linviz.views.export.sheet import INK, Picture, Ring, Sheet, Words, sheet_image
from linviz.views.writer_versions import versions

from ..shared.export_buttons import show_folded
from ..shared.frame_pictures import jpeg_frames
from . import rollout_layers
from .controls import ROLLOUT, take_rollout_click
from .reach_state import STATE, ReachView
from .rollout_layers import SHOWN, Rollouts, find_rollouts

HERE = Path(__file__).parent
_component = st.components.v2.component("linviz_rollout", js=module_source(
    HERE / "../shared/frames_page.js", HERE / "../shared/lit_frames.js", HERE / "rollout.js"))
ASKS = ("Reach says whether a patch is met. Attention rollout says how much of each patch has arrived. Programs under "
        "this name compute different things: choose layers in the sidebar to see three of them.")
GUIDE = "Click a patch: it asks. Every picture is scaled to a total of one, and all have one scale."
FILES = {"csv": ("CSV", "the share of every patch by every rule."), "png": ("PNG", "the three films, for a slide.")}
SIDE, GAP, LEFT = 120, 6, 14  # pixels of a frame on the sheet, between frames, at the edge


def show_rollouts(choice: ReachView) -> None:
    """The section under its heading; nothing is computed where no layers are chosen."""
    if choice.rollout == "none":
        st.markdown(ASKS)
        return
    try:
        found = find_rollouts(choice)
    except ValueError as error:
        st.info(f"{REGISTRY[choice.attention].title}: {error}.")
        return
    st.markdown(f"**{rollout_layers.rollout_heading(found)}.** {GUIDE}")
    _component(data=encode_blob(_content(found), {"query": found.query}), key=ROLLOUT,
               on_query_change=take_rollout_click)
    st.caption(f"{found.heads} {rollout_layers.undivided_note(found)}")
    show_folded(partial(_offer_files, choice, found))


def _content(found: Rollouts) -> dict[str, Any]:
    masses = rollout_layers.layer_masses(list(found.shares.values()), found.grid)
    panels = [{"title": flow.RULES[name].title, "note": rollout_layers.rule_note(found, name),
               "row": share.numpy(), "captions": [f"frame {t + 1}: {part}" for t, part in enumerate(parts)]}
              for (name, share), parts in zip(found.shares.items(), masses)]
    grid = found.grid
    return {"grid": [grid.T, grid.Y, grid.X], "clip": f"{found.clip.name} {found.through} {grid}", "full": FULL,
            "light": LIGHT, "colours": live_colours(), "frames": jpeg_frames(found.clip), "panels": panels,
            "alt": rollout_layers.rollout_alt(found, found.clip.alt)}


# ------------------------------------------------------------------------------------------------ files


def _offer_files(choice: ReachView, found: Rollouts) -> None:
    for ending, (name, what) in FILES.items():
        with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
            st.download_button(name, partial(file_bytes, ending, choice, found), f"linviz-rollout.{ending}",
                               key=f"reach_export.{ending}", on_click="ignore", width=104)
            st.caption(what, width="stretch")
    st.caption("The address of this page is a link to this view.")


def file_bytes(ending: str, choice: ReachView, found: Rollouts) -> bytes:
    """One of the files. Both hold the page's state and the versions that wrote them."""
    state = json.dumps(versions() | {"page": "who_sees_whom"} | choice.to_parameters(STATE.opening))
    return rollout_csv(found, state).encode() if ending == "csv" else rollout_png(found, state)


def rollout_csv(found: Rollouts, state: str) -> str:
    """A line per patch: frame, row and column from 1, and what each rule gives, not scaled."""
    out = StringIO()
    print("#", state, file=out)
    print("frame,row,column", *SHOWN, sep=",", file=out)
    for n in range(len(found.grid)):
        place = [str(x + 1) for x in found.grid.place(n)]
        print(*place, *(f"{found.rows[name][n].item():.9g}" for name in SHOWN), sep=",", file=out)
    return out.getvalue()


def rollout_png(found: Rollouts, state: str) -> bytes:
    """A row of frames per rule, lit as on the page."""
    grid, high = found.grid, round(SIDE * found.grid.Y / found.grid.X)
    title = rollout_layers.rollout_heading(found).replace("\N{NO-BREAK SPACE}", " ")
    page = Sheet(2 * LEFT + max(760, grid.T * (SIDE + GAP)), 60 + len(SHOWN) * (high + 40), title, state, state)
    page.items.append(Words(LEFT, 30, title, 14, INK, bold=True))
    for n, (name, share) in enumerate(found.shares.items()):
        top = 64 + n * (high + 40)
        said = f"{flow.RULES[name].title} ({flow.RULES[name].source})"
        page.items.append(Words(LEFT, top - 6, said, 13, INK))
        for t, part in enumerate(grid.fold(share[:, None])[..., 0]):
            photo = frame_image(found.clip.frames[t]).resize((2 * SIDE, 2 * high))
            left = LEFT + t * (SIDE + GAP)
            page.items.append(Picture(left, top, SIDE, high, attention_image(photo, part, len(grid))))
        _, y, x = grid.place(found.query)
        left = LEFT + grid.place(found.query)[0] * (SIDE + GAP)
        page.items.append(Ring(left + (x + 0.5) * SIDE / grid.X, top + (y + 0.5) * high / grid.Y,
                               ring_radius(grid, SIDE)))
    out, note = BytesIO(), PngImagePlugin.PngInfo()
    note.add_itxt("linviz", state)
    sheet_image(page).save(out, "PNG", pnginfo=note)
    return out.getvalue()
