"""A person's own picture on a page: it lies in the visit that brought it, and nowhere else."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from linviz import clips
from linviz.clips import limits
from linviz.clips.file_formats import READS
from linviz.views import SourceFile

from .background_jobs import ResultCache
from .uploads_in_memory import STAYS
from .widgets import escape_markdown

NEWEST = 4  # pictures that a visit keeps, for the way back
ASKED = ("This link shows the picture **{name}** (sha256 {sha256}…), which stays with its owner. Choose that file, and "
         "everything is set as it was.")
OTHER = "This is not the file of the link, {asked}, but {name}: what is shown is not what the link was made for."


@dataclass(frozen=True, eq=False)
class OwnPicture:
    """A picture that could be read, and all that is computed of it."""

    source: SourceFile
    clip: clips.Clip
    results: ResultCache = field(default_factory=lambda: ResultCache(most=24))


class PictureUploads:
    """The pictures that a visit brought to one page, its uploader, and its sentences.

    page: begins the keys of the session;  note: what the page does with a picture, in words.
    """

    def __init__(self, page: str, note: str) -> None:
        self.key, self.note = f"{page}_upload", note
        self.uploads, self.chosen, self.said = f"{page}_uploads", f"{page}_file", f"{page}_upload_said"

    def find(self, source: Any) -> OwnPicture | None:
        """The picture of a source, where it has come."""
        found: OwnPicture | None = None
        if isinstance(source, SourceFile):
            found = st.session_state.get(self.uploads, {}).get(source.sha256)
        return found

    def current(self) -> SourceFile | None:
        """The file that is chosen: shown where it has come, else awaited."""
        found: SourceFile | None = st.session_state.get(self.chosen)
        return found

    def choose(self, source: SourceFile | None) -> None:
        """From now on this file is the person's own picture."""
        st.session_state[self.chosen] = source

    def show_chooser(self) -> bool:
        """The uploader and its sentences; whether a picture has come in this run."""
        left, right = st.columns([2, 3], gap="medium")
        file = left.file_uploader("Your own picture", key=self.key, on_change=self._file_changed)
        came = False
        if st.session_state.pop(f"{self.key}_changed", False) and file is not None:
            with right, st.spinner("Reading the file …"):
                came = self._take_file(file.getvalue(), file.name)
        with right:
            self._say_what_is_shown()
        return came

    def _file_changed(self) -> None:
        st.session_state[f"{self.key}_changed"] = True

    def _take_file(self, data: bytes, name: str) -> bool:
        """Read a file that has come, or say in one sentence why it cannot be read."""
        wanted, st.session_state[self.said] = self.current(), ""
        try:
            source = SourceFile.of(name, data)
            clip = clips.decode_clip(data, name, 1).clip
        except ValueError as error:  # clips.Unreadable is one
            st.session_state[self.said] = f"{error}."
            return False
        kept: dict[str, OwnPicture] = st.session_state.setdefault(self.uploads, {})
        if wanted is not None and wanted.sha256 not in kept and wanted.sha256 != source.sha256:
            st.session_state[self.said] = OTHER.format(asked=wanted.name, name=source.name)
        kept.pop(source.sha256, None)
        kept[source.sha256] = OwnPicture(source, clip)
        for old in [*kept][:-NEWEST]:
            del kept[old]
        self.choose(source)
        return True

    def _say_what_is_shown(self) -> None:
        source = self.current()
        if self.find(source) is None and source is not None:
            st.info(ASKED.format(name=escape_markdown(source.name), sha256=source.sha256[:8]))
        if said := st.session_state.get(self.said):
            st.warning(escape_markdown(said))
        st.caption(f"{READS}. {limits.limits_sentence()} {self.note} {STAYS}")
