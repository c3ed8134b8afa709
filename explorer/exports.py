"""What is shown as files: one that opens on exactly this view, pictures, a film, a page, numbers, weights, and code."""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath

import streamlit as st

from linviz.record import File, Opened, View
from linviz.record.snippet import code

from .choice import OWN, Choice
from .scenes import Scene
from .stage import Shown
from .visit import Visit

FILES = {  # ending: the button, its help
    ".linviz": ("Save view", "One file with everything, your own picture or clip too: drop it where files are brought, "
                "in anybody's linviz, and it opens on exactly this view."),
    ".html": ("Web page", "An HTML file that opens by double-click, without linviz and without a network, and can "
              "be explored by hand."),
    ".png": ("PNG", "The picture with its numbers, for a slide."), ".svg": ("SVG", "The same, sharp at any size."),
    ".mp4": ("Film", "MP4: every frame under its attention."),
    ".csv": ("CSV", "Every number of the table, and more, one a line, with the state that made it."),
    ".json": ("JSON", "The same numbers, with what each means."),
    ".npz": ("NPZ", "The weights of the pinned patch, as arrays for numpy."),
    ".py": ("Code", "A few calls of linviz that print the same numbers.")}
GROUPS = ((".linviz", ".html", ".py"), (".png", ".svg", ".mp4"), (".csv", ".json", ".npz"))
LINK = {True: "The address of this page is a link to this view: it names your file, which stays with you, and asks "
              "whoever opens it for that file. *Save view* holds the file as well.",
        False: "The address of this page is a link to this view."}
KEY = "exports"  # the widget that unfolds the buttons
NUMBERS = " Numbers and weights are those of the gates as fitted, at strength 1."


def show(visit: Visit, panels: Sequence[Shown], here: Scene, choice: Choice) -> None:
    """The buttons, folded; or why there are none."""
    with st.expander("Save and export", key=KEY, on_change="rerun", icon=":material/download:") as box:
        if not box.open:  # nothing is sent that nobody sees
            return
        if why := missing(visit, panels, here):
            st.caption(why)
            return
        for group in GROUPS:
            with st.container(horizontal=True):
                for ending in group:
                    if ending != ".mp4" or here.grid.T > 1:
                        _button(ending, visit, panels, here, choice)
        st.caption(LINK[choice.clip == OWN] + NUMBERS * any("+gate" in shown.spec for shown in panels))
        st.code(code(opened(visit, panels, here, choice)), "python", height=260)


def missing(visit: Visit, panels: Sequence[Shown], here: Scene) -> str:
    """Why nothing can be exported now; empty where it can."""
    if any(shown.waiting for shown in panels) or any(key in visit.stopped for key in visit.fits):
        return "Files are there when every gate is fitted to its end: wait for it, or fit it again."
    if visit.query < here.grid.prefix:
        return "A token before the picture is pinned: pin a patch, and files are there."
    return ""


def _button(ending: str, visit: Visit, panels: Sequence[Shown], here: Scene, choice: Choice) -> None:
    """A button whose file is made when it is pressed, of the view as it is then."""
    label, what = FILES[ending]
    stem = PurePosixPath(choice.file).stem if choice.clip == OWN else choice.clip
    st.download_button(label, partial(data, ending, visit, panels, here, choice), f"linviz-{stem}{ending}",
                       key=f"export{ending}", help=what, on_click="ignore")


def data(ending: str, visit: Visit, panels: Sequence[Shown], here: Scene, choice: Choice) -> bytes:
    """What stands in the file."""
    from linviz.record.made import made  # what draws and films is not imported before it is asked for
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
