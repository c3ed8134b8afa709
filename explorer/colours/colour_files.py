"""Files of the page Colours: all paintings as one picture, the hints as a table, and code that paints them again."""
from __future__ import annotations

from functools import partial

import streamlit as st

from linviz.views.export.colour_export import ShownPainting, hints_csv, painting_code, paintings_png

from ..shared.export_buttons import show_folded
from .arm_paintings import PaintedView
from .colour_words import colours_heading, credit_line, score_text
from .colours_state import ColourView

FILES = {"png": ("PNG", "grey with hints, true colours, and every painting with its R²."),
         "csv": ("CSV", "the hints, a line per patch: row, column, colour, and whose it is.")}
LINK = ("The address of this page is a link to this view. Of your own picture it holds the name, the hints and the "
        "pins: the file stays with you.")


def offer_colour_files(view: ColourView, found: PaintedView) -> None:
    """Buttons under a fold: what is in the files is made when a button is pressed."""
    def inside() -> None:
        for ending, (name, what) in FILES.items():
            with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
                st.download_button(name, partial(file_bytes, ending, found), f"linviz-colours.{ending}",
                                   key=f"colours_export.{ending}", on_click="ignore", width=104)
                st.caption(what, width="stretch")
        st.caption(LINK)
        if isinstance(view.source, str):
            st.code(painting_code(view.source, found.spots, [arm.name for arm in found.arms]), "python")
    show_folded(inside)


def file_bytes(ending: str, found: PaintedView) -> bytes:
    """One of the files."""
    if ending == "csv":
        return hints_csv(found.task, found.spots).encode()
    pictures = [("hints", found.task.hinted_pictures[0], ""), ("true colours", found.photograph, "")]
    pictures += [(arm.title, arm.painting.picture, score_text(found, arm)) for arm in found.arms]
    shown = [ShownPainting(title, found.sharp(x), score) for title, x, score in pictures]
    return paintings_png(shown, colours_heading(found), credit_line(found.picture))
