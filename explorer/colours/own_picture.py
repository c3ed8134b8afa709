"""A person's own picture on the page Colours: it lies in the visit that brought it, and nowhere else."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from linviz import clips
from linviz.clips import limits
from linviz.clips.file_formats import READS
from linviz.views import SourceFile

from ..shared.background_jobs import ResultCache
from ..shared.uploads_in_memory import STAYS
from ..shared.widgets import escape_markdown

UPLOADS, CHOSEN = "colours_uploads", "colours_file"   # keys of the session
KEY, SAID = "colours_upload", "colours_upload_said"   # the uploader's widget; a sentence on the newest file
NEWEST = 4                                            # pictures that a visit keeps, for the way back
ASKED = ("This link shows the picture **{name}** (sha256 {sha256}…), which stays with its owner. Choose that file, and "
         "everything is set as it was.")
OTHER = "This is not the file of the link, {asked}, but {name}: what is shown is not what the link was made for."
SQUARE = "The largest square in the middle of the picture is taken. Of a clip it is the first frame."


@dataclass(frozen=True, eq=False)
class OwnPicture:
    """A picture that could be read, and all that is computed of it."""

    source: SourceFile
    clip: clips.Clip
    results: ResultCache = field(default_factory=lambda: ResultCache(most=24))


def find_picture(source: Any) -> OwnPicture | None:
    """The picture of a source, where it has come."""
    found: OwnPicture | None = None
    if isinstance(source, SourceFile):
        found = st.session_state.get(UPLOADS, {}).get(source.sha256)
    return found


def current_file() -> SourceFile | None:
    """The file that is chosen: shown where it has come, else awaited."""
    found: SourceFile | None = st.session_state.get(CHOSEN)
    return found


def choose_file(source: SourceFile | None) -> None:
    """From now on this file is the person's own picture."""
    st.session_state[CHOSEN] = source


def show_chooser() -> bool:
    """The uploader and its sentences; whether a picture has come in this run."""
    left, right = st.columns([2, 3], gap="medium")
    file = left.file_uploader("Your own picture", key=KEY, on_change=_file_changed)
    came = False
    if st.session_state.pop(f"{KEY}_changed", False) and file is not None:
        with right, st.spinner("Reading the file …"):
            came = _take_file(file.getvalue(), file.name)
    with right:
        _say_what_is_shown()
    return came


def _file_changed() -> None:
    st.session_state[f"{KEY}_changed"] = True


def _take_file(data: bytes, name: str) -> bool:
    """Read a file that has come, or say in one sentence why it cannot be read."""
    wanted, st.session_state[SAID] = current_file(), ""
    try:
        source = SourceFile.of(name, data)
        clip = clips.decode_clip(data, name, 1).clip
    except ValueError as error:  # clips.Unreadable is one
        st.session_state[SAID] = f"{error}."
        return False
    kept: dict[str, OwnPicture] = st.session_state.setdefault(UPLOADS, {})
    if wanted is not None and wanted.sha256 not in kept and wanted.sha256 != source.sha256:
        st.session_state[SAID] = OTHER.format(asked=wanted.name, name=source.name)
    kept.pop(source.sha256, None)
    kept[source.sha256] = OwnPicture(source, clip)
    for old in [*kept][:-NEWEST]:
        del kept[old]
    choose_file(source)
    return True


def _say_what_is_shown() -> None:
    source = current_file()
    if find_picture(source) is None and source is not None:
        st.info(ASKED.format(name=escape_markdown(source.name), sha256=source.sha256[:8]))
    if said := st.session_state.get(SAID):
        st.warning(escape_markdown(said))
    st.caption(f"{READS}. {limits.limits_sentence()} {SQUARE} {STAYS}")
