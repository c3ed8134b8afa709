"""Somebody's own file on the page Concentrate: it lies in the visit that brought it, and nowhere else.

What is computed of it lies with it, on a shelf of its own, so that nothing of it outlives the visit. Of several files
the newest are kept, for the way back: together no larger than one may be.
"""
from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st
from starlette.formparsers import MultiPartParser

from linviz import clips
from linviz.clips import limits
from linviz.views.given import one_head, paper

from ..shared.jobs import Shelf
from . import stage
from .choice import FRAMES, HEADS, MOST, OPENING, OWN, Choice, good, settle
from .scenes import Key, Scene

MultiPartParser.spool_max_size = 1 << 28  # bytes, more than may be uploaded: else a file lies on a disk as it comes
WIDTH = 256  # numbers of q and k a token: more are too much for a browser at `MOST` tokens
GIVEN = "q, k and v of one head, as they are in the file; a patch counts as 16 pixels"


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that can be read. size: frames that could be shown, pixel rows and columns of what is kept of it.

    Of tensors it is their grid: frames, rows, columns, and tokens before them.
    """

    name: str
    sha256: str
    data: bytes
    size: tuple[int, ...]
    tensors: clips.Tensors | None = None
    films: Shelf = field(default_factory=lambda: Shelf(most=2))
    scenes: Shelf = field(default_factory=lambda: Shelf(most=2))
    shelf: Shelf = field(default_factory=lambda: Shelf(most=48))

    def film(self, frames: int, patches: int) -> clips.Decoded:
        """As many of its frames, evenly spaced, as were asked for and fit; those from before if time runs out."""
        count = Choice(clip=OWN, frames=frames, patches=patches, there=self.size).grid.T
        found: clips.Decoded | None = self.films.get(count)
        if found is None:
            try:
                found = clips.decode(self.data, self.name, count)
            except clips.Unreadable:
                last: clips.Decoded = self.films.get("last")
                found = replace(last, said=f"{last.said}; it took too long to read it again for other frames")
            self.films.put(count, found)
            self.films.put("last", found)
        return found

    def there(self, frames: int, patches: int) -> tuple[int, ...]:
        """What a choice has to know of it: frames that there are, pixel rows and columns."""
        return self.size if self.tensors else (len(self.film(frames, patches).clip.frames), *self.size[1:])

    def said(self, frames: int, patches: int) -> str:
        """What is shown of it, in one line."""
        return self.tensors.said if self.tensors else self.film(frames, patches).said

    @property
    def heads(self) -> int:
        """Of which one is shown."""
        return self.tensors.q.shape[1] if self.tensors else 1


def bring(data: bytes, name: str, frames: int = OPENING.frames) -> Upload:
    """A file as it comes from a visitor; clips.Unreadable, in one sentence, where it cannot be read."""
    if clips.is_tensors(data):
        return bring_tensors(data, name)
    found = clips.decode(data, name, frames)
    size = (min(found.total, FRAMES[1]), *found.clip.size[1:])
    upload = Upload(found.clip.name, hashlib.sha256(data).hexdigest(), data, size)
    for key in (min(frames, found.total), "last"):
        upload.films.put(key, found)
    return upload


def bring_tensors(data: bytes, name: str) -> Upload:
    """A researcher's tensors; clips.Unreadable where they cannot be read, or are more than a browser can follow."""
    found = clips.tensors(data, name)
    _, heads, tokens, width = found.q.shape
    for count, most, what in ((tokens, MOST, "tokens"), (heads, HEADS[1], "heads"),
                              (max(width, found.v.shape[-1]), WIDTH, "numbers a token")):
        if count > most:
            raise clips.Unreadable(f"{found.name} cannot be shown: it has {count:,} {what}, and up to {most:,} can be "
                                   "followed by hand; linviz.read takes as many as you have")
    grid = found.grid
    return Upload(found.name, hashlib.sha256(data).hexdigest(), data, (grid.T, grid.Y, grid.X, grid.prefix), found)


def scene(choice: Choice, upload: Upload) -> Scene:
    """The tokens of somebody's own file."""
    key = (OWN, upload.sha256, choice.grid, choice.temperature, choice.head, choice.causal)
    here: Scene | None = upload.scenes.get(key)
    if here is None:
        here = given(choice, upload.tensors, upload, key) if upload.tensors else pictured(choice, upload, key)
        upload.scenes.put(key, here)
    return here


def pictured(choice: Choice, upload: Upload, key: Key) -> Scene:
    """A picture or clip, described patch by patch."""
    clip, grid = upload.film(choice.frames, choice.patches).clip, choice.grid
    small = clips.fit(clip, grid)
    qkv = clips.descriptors(small, grid, choice.temperature)
    return Scene(key, small, clips.sharp(clip, grid), grid, *qkv, None, choice.causal, upload.shelf,
                 upload=upload)


def given(choice: Choice, of: clips.Tensors, upload: Upload, key: Key) -> Scene:
    """One head of a researcher's tensors, over a grey where no picture is."""
    clip, _ = paper(of)
    qkv = one_head(of, choice.head, choice.temperature)
    return Scene(key, clip, clip, of.grid, *qkv, None, choice.causal, upload.shelf, GIVEN, upload)


# ------------------------------------------------------------------------------------------------ the session


def keep(upload: Upload) -> None:
    """Put a file beside those that this visit has brought, and show it; the oldest go where there is no room."""
    kept: dict[str, Upload] = st.session_state.setdefault("uploads", {})
    kept.pop(upload.sha256, None)
    kept[upload.sha256] = upload
    while sum(len(one.data) for one in kept.values()) > limits.BYTES:
        del kept[next(iter(kept))]
    st.session_state.file, st.session_state.sha256 = upload.name, upload.sha256


def forget(sha256: str) -> None:
    """Take a file out of the visit."""
    st.session_state.get("uploads", {}).pop(sha256, None)
    if st.session_state.sha256 == sha256:
        st.session_state.file = st.session_state.sha256 = ""


def current() -> Upload | None:
    """The file that is shown, where it has come."""
    found: Upload | None = st.session_state.get("uploads", {}).get(st.session_state.sha256)
    return found


def known() -> dict[str, Any]:
    """What a choice has to know of the file that is shown, or that a link asks for; nothing where a sample is."""
    if st.session_state.clip != OWN:
        return {"file": "", "sha256": "", "there": (), "head": 1}
    upload, now = current(), st.session_state
    if upload is None:
        return {"file": now.file, "sha256": now.sha256, "there": ()}
    return {"file": upload.name, "sha256": upload.sha256, "there": upload.there(now.frames, now.patches),
            "head": min(now.head, upload.heads)}


def at_best(upload: Upload) -> None:
    """Fields that are as on opening become as this file shows best: before any widget is made."""
    best = good(OWN, upload.size)
    for name, value in good(OWN).items():
        if st.session_state[name] == value:
            st.session_state[name] = best[name]


def drawn(choice: Choice) -> Choice | None:
    """What is drawn: the choice itself; while a file is awaited, it with the sample that was drawn last.

    None where somebody comes by a link to a file: nothing was drawn before, and a sample would be taken for it.
    """
    if choice.clip != OWN:
        st.session_state.sample = choice.clip
    if choice.clip != OWN or choice.there:
        return choice
    sample = st.session_state.get("sample", "" if choice.sha256 else OPENING.clip)
    return settle(replace(choice, clip=sample, file="", sha256=""))[0] if sample else None


def staged(choice: Choice) -> Scene:
    """The scene of a choice, a sample's or one's own."""
    upload = current() if choice.clip == OWN else None
    if upload is not None:
        return scene(choice, upload)
    return stage.scene(choice.clip, choice.grid, choice.temperature, choice.causal)
