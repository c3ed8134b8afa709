"""What is shown as files: one that opens on exactly this view, pictures, a film, a page, numbers, weights, and code."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath

import streamlit as st

from linviz.views import File, Opened, View
from linviz.views.export.code import code

from ..concentrate.choice import OWN, Choice
from ..concentrate.scenes import Scene
from ..concentrate.stage import Shown
from ..concentrate.visit import Visit

NAMES = {".linviz": "Save view", ".html": "Web page", ".py": "Code", ".png": "PNG", ".svg": "SVG", ".mp4": "Film",
         ".csv": "CSV", ".json": "JSON", ".npz": "NPZ"}  # ending: what stands on its button
HOLDS = {  # ending: what is in the file
    ".linviz": "opens in any linviz as it stands here, with your own file.",
    ".html": "opens by double-click, offline, and is explored by hand.",
    ".py": "calls of linviz that print the same numbers.",
    ".png": "the picture with its numbers, for a slide.", ".svg": "the same, sharp at any size.",
    ".mp4": "every frame under its attention.",
    ".csv": "all numbers of the table and more, with their state.",
    ".json": "the same numbers, with what each means.", ".npz": "the pinned patch's weights, as arrays for numpy."}
GROUPS = ((".linviz", ".html", ".py"), (".png", ".svg", ".mp4"), (".csv", ".json", ".npz"))
LINK = {True: "The address of this page is a link to this view: it names your file, which stays with you, and asks "
              "whoever opens it for that file. *Save view* holds the file as well.",
        False: "The address of this page is a link to this view."}
KEY = "exports"  # the widget that unfolds the buttons
NUMBERS = " Numbers and weights are those of the gates as fitted, at strength 1."


def show(visit: Visit, panels: Sequence[Shown], here: Scene, choice: Choice) -> None:
    """The buttons, folded; or why there are none."""
    def inside() -> None:
        if why := missing(visit, panels, here):
            st.caption(why)
            return
        stem = PurePosixPath(choice.file).stem if choice.clip == OWN else choice.clip
        files = {ending: text for ending, text in HOLDS.items() if ending != ".mp4" or here.grid.T > 1}
        offer(files, stem, lambda ending: data(ending, visit, panels, here, choice))
        st.caption(LINK[choice.clip == OWN] + NUMBERS * any("+gate" in shown.spec for shown in panels))
        st.code(code(opened(visit, panels, here, choice)), "python", height=260)
    folded(inside)


def folded(inside: Callable[[], None]) -> None:
    """What is inside, where somebody has unfolded it: nothing is sent that nobody sees."""
    with st.expander("Save and export", key=KEY, on_change="rerun", icon=":material/download:") as box:
        if box.open:
            inside()


def offer(files: Mapping[str, str], stem: str, make: Callable[[str], bytes]) -> None:
    """Buttons whose files are made when they are pressed, of the view as it is then, and what is in each.

    files  ending: what is in it;  make: the bytes of the file with an ending.
    """
    for column, group in zip(st.columns(len(GROUPS), gap="medium"), GROUPS, strict=True):
        for ending in filter(files.get, group):
            with column.container(horizontal=True, wrap=False, vertical_alignment="center"):
                st.download_button(NAMES[ending], partial(make, ending), f"linviz-{stem}{ending}",
                                   key=f"export{ending}", on_click="ignore", width=104)
                st.caption(files[ending], width="stretch")


def missing(visit: Visit, panels: Sequence[Shown], here: Scene) -> str:
    """Why nothing can be exported now; empty where it can."""
    if any(shown.waiting for shown in panels) or any(key in visit.stopped for key in visit.fits):
        return "Files are there when every gate is fitted to its end: wait for it, or fit it again."
    if visit.query < here.grid.prefix:
        return "A token before the picture is pinned: pin a patch, and files are there."
    return ""


def data(ending: str, visit: Visit, panels: Sequence[Shown], here: Scene, choice: Choice) -> bytes:
    """What stands in the file."""
    from linviz.views.export.files import made  # what draws and films is not imported before it is asked for
    media = None if here.upload is None else here.upload.data
    found = made(ending, opened(visit, panels, here, choice), media)
    return found if isinstance(found, bytes) else found.encode()


def opened(visit: Visit, panels: Sequence[Shown], here: Scene, choice: Choice) -> Opened:
    """The view on record: nothing is fitted or read again."""
    source = File(choice.file, choice.sha256) if choice.clip == OWN else choice.clip
    view = View(source, choice.patches, here.grid.T if choice.moving else choice.frames, choice.temperature,
                tuple(shown.spec for shown in panels), choice.causal, choice.steps, choice.seed,
                here.grid.place(visit.query), choice.head, visit.hand.look)
    said = "" if here.upload is None else here.upload.said(choice.frames, choice.patches)
    return Opened(view, here.clip, here.picture, here.grid, tuple(panels), here.mask, said, here.note)
