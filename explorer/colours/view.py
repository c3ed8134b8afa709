"""The view of the page Colours: a board to paint hints on, what each arm paints, and the maps of pinned patches."""
from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import streamlit as st
from torch import Tensor

from linviz.palette import HUES, live_colours
from linviz.patch_view import module_source
from linviz.patch_view.blob import frame_image
from linviz.patch_view.light import FULL, LIGHT, PROJECTED
from linviz.patch_view.packing import encode_blob, replace_state
from linviz.patch_view.wires import wire_arrays

from . import colour_words
from .arm_paintings import PaintedArm, PaintedView
from .colour_kinds import SIDE
from .colours_state import MEAN, ColourView

HERE = Path(__file__).parent
PIN_COLOURS = [hue for family, hue in HUES.items() if family != "content-free"]  # six that everybody can tell apart
_component = st.components.v2.component("linviz_colours", js=module_source(
    HERE / "../shared/frames_page.js", HERE / "hint_board.js", HERE / "painted_arms.js", HERE / "colours.js"))


def jpeg_bytes(picture: Tensor) -> bytes:
    """A picture (3, Ypx, Xpx) in 0..1 as JPEG."""
    out = BytesIO()
    frame_image(picture).save(out, "JPEG", quality=90)
    return out.getvalue()


def colour_view(view: ColourView, found: PaintedView, tick: int, key: str, on_change: Callable[[], None]) -> None:
    """Show the view; what a person does in it sets `st.session_state[key].change`."""
    wish = {"hints": found.spots, "painted": bool(view.hints), "pins": list(view.pins), "projector": view.projector,
            "head": view.head_number, "tick": tick}
    packed = found.results.keep(("packed", found.key, view.arms, view.layer, view.head, view.projector),
                                lambda: encode_blob(view_content(view, found), wish))
    _component(data=replace_state(packed, wish), key=key, on_change_change=on_change)


def view_content(view: ColourView, found: PaintedView) -> dict[str, Any]:
    """All that the browser draws."""
    pictures = shown_pictures(found)
    layer = f"layer {view.layer}"
    head = "the mean of all heads" if view.head == MEAN else f"head {view.head}"
    return {"grid": [1, SIDE, SIDE], "full": FULL, "light": PROJECTED if view.projector else LIGHT,
            "colours": live_colours(), "pinColours": PIN_COLOURS, "alt": found.picture.alt,
            "photoKey": str(found.key[0]), "grey": pictures["grey"], "photo": pictures["photo"],
            "hinted": pictures["hinted"], "truth": colour_words.truth_note(found),
            "mapNote": colour_words.LIGHT.format(arm_layer=layer, head=head, full=FULL),
            "arms": [arm_content(view, found, arm, pictures[arm.name]) for arm in found.arms]}


def arm_content(view: ColourView, found: PaintedView, arm: PaintedArm, picture: bytes) -> dict[str, Any]:
    """One arm as the browser draws it: its painting, and the maps of all heads of one layer in half precision."""
    layer, score = arm.layer(view.layer), colour_words.score_text(found, arm)
    wires = [layer.map.wire((0, head)) for head in range(layer.q.shape[1])]
    alt = f"The picture as {arm.title} paints it{', ' * bool(score)}{score}. {found.picture.alt}"
    return {"title": arm.title, "family": layer.attention.family, "score": score, "note": "", "alt": alt,
            "picture": picture, "wires": wire_arrays(wires, half=True, at=f"the map of {arm.title}")}


def shown_pictures(found: PaintedView) -> dict[str, bytes]:
    """The pictures of a view as JPEG: grey, photo, hinted, and every arm's by its name."""
    def jpeg(painted: Tensor) -> bytes:
        return jpeg_bytes(found.sharp(painted))
    return {"grey": jpeg_bytes(found.luma.expand(3, -1, -1)), "photo": jpeg(found.photograph),
            "hinted": jpeg(found.task.hinted_pictures[0]),
            **{arm.name: jpeg(arm.painting.picture) for arm in found.arms}}
