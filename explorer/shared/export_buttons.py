"""What is shown as files: one that opens on exactly this view, pictures, a film, a page, numbers, weights, and code."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from linviz.views import OpenView
from linviz.views.trained_panels import OpenTrained

NAMES = {".linviz": "Save view", ".html": "Web page", ".py": "Code", ".png": "PNG", ".svg": "SVG", ".mp4": "Film",
         ".zip": "Key frames",
         ".csv": "CSV", ".json": "JSON", ".npz": "NPZ"}  # ending: what stands on its button
HOLDS = {  # ending: what is in the file
    ".linviz": "opens in any linviz as it stands here, with your own file.",
    ".html": "opens by double-click, offline, and is explored by hand.",
    ".py": "calls of linviz that print the same numbers.",
    ".png": "the picture with its numbers, for a slide.", ".svg": "the same, sharp at any size.",
    ".mp4": "every frame under its attention.",
    ".zip": "all frames, ranked by the attention they receive and by motion.",
    ".csv": "all numbers of the table and more, with their state.",
    ".json": "the same numbers, with what each means.", ".npz": "the pinned patch's weights, as arrays for numpy."}
GROUPS = ((".linviz", ".html", ".py"), (".png", ".svg", ".mp4", ".zip"), (".csv", ".json", ".npz"))
LINK = {True: "The address of this page is a link to this view. It names your file, which stays with you. Whoever "
              "opens it is asked for that file. *Save view* holds the file as well.",
        False: "The address of this page is a link to this view."}
KEY = "exports"  # the widget that unfolds the buttons


def show_folded(inside: Callable[[], None]) -> None:
    """What is inside, where a visitor has unfolded it: nothing is sent that nobody sees."""
    with st.expander("Save and export", key=KEY, on_change="rerun", icon=":material/download:") as box:
        if box.open:
            inside()


def offer_files(endings: Mapping[str, str], stem: str, opened: OpenView | OpenTrained,
                media: bytes | None = None) -> None:
    """Buttons whose files are made when they are pressed, and what is in each.

    endings  ending: what is in the file;  media  a person's own file, which a saved view holds
    """
    for column, group in zip(st.columns(len(GROUPS), gap="medium"), GROUPS, strict=True):
        for ending in filter(endings.get, group):
            with column.container(horizontal=True, wrap=False, vertical_alignment="center"):
                st.download_button(NAMES[ending], partial(_file_bytes, ending, opened, media),
                                   f"linviz-{stem}{ending}", key=f"export{ending}", on_click="ignore", width=104)
                st.caption(endings[ending], width="stretch")


def _file_bytes(ending: str, opened: OpenView | OpenTrained, media: bytes | None) -> bytes:
    from linviz.views.export.files import make_file  # what draws and films is not imported before it is asked for
    return make_file(ending, opened, media)
