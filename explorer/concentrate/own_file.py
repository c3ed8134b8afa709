"""A person's own file on the page Concentrate: it lies in the visit that brought it, and nowhere else.

What is computed of it lies with it, in caches of its own, so that nothing of it outlives the visit. Of several files
the newest are kept, for the way back: together they are no larger than one file may be.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from linviz import Grid, clips
from linviz.capture.capture_file import is_capture
from linviz.clips import limits
from linviz.clips.tensor_layout import AUTO, LAYOUTS, AmbiguousLayout
from linviz.settings import Refused
from linviz.views import SourceFile, View
from linviz.views.capture_source import layer_tensors, why_no_view
from linviz.views.load import Media, cut_clip, describe_tokens, tensor_media
from linviz.views.state import CAPS
from linviz.views.state_kinds import Source

from ..shared.background_jobs import ResultCache
from ..shared.capture_uploads import CaptureFile, find_capture, read_capture
from ..shared.scenes import Scene, scene_of
from .what_fits import TABLE, best_fields, page_grid

OWN = "own"  # in the widget and in a URL: a file that a person brings
UPLOADS, CHOSEN = "concentrate_uploads", "concentrate_file"  # keys of the session
BEST, LINK = "concentrate_best", "concentrate_link"  # what the shown picture is best with; a link that awaits its file
WIDTH = 256  # numbers of q and k per token: more are too much for a browser at the page's most tokens


@dataclass(frozen=True, eq=False)
class Upload:
    """A file that can be read.

    source  its name and SHA-256;  file  what was decoded of it, None for tensors
    size    frames that could be shown, rows and columns of pixels. Of tensors: the grid, and tokens before the picture
    layout  of tensors, as a view names it;  asked  a sentence that asks for it, where they can be read in two ways
    layer   of a capture with so many layers
    """

    source: SourceFile
    data: bytes
    size: tuple[int, ...]
    file: clips.DecodedFile | None = None
    tensors: clips.Tensors | None = None
    layout: str = AUTO
    asked: str = ""
    layer: int = 1
    layers: int = 1
    decoded: ResultCache = field(default_factory=lambda: ResultCache(most=2))
    scenes: ResultCache = field(default_factory=lambda: ResultCache(most=2))
    results: ResultCache = field(default_factory=lambda: ResultCache(most=48))

    def media(self, frames: int) -> Media:
        """As many of its frames, evenly spaced, as were asked for; those from before if time runs out."""
        if self.file is None:
            assert self.tensors is not None
            return tensor_media(self.tensors)
        found: Media | None = self.decoded.get(frames)
        if found is None:
            try:
                one = self.file.take(frames) or clips.decode_clip(self.data, self.source.name, frames)
                found = Media(one.clip, one.said)
            except clips.Unreadable:
                last: Media = self.decoded.get("last")
                found = replace(last, note=f"{last.note}; reading it again for other frames took too long")
            self.decoded.put(frames, found)
            self.decoded.put("last", found)
        return found

    @property
    def heads(self) -> int:
        """Of which one is shown, or the mean of all."""
        return self.tensors.q.shape[1] if self.tensors else 1

    @property
    def lowest_head(self) -> int:
        """0, the mean of all heads, where there are several and a whole table of weights can be sent."""
        found = self.tensors
        return 0 if found and self.heads > 1 and len(found.grid) * len(found.key_grid) <= TABLE**2 else 1

    def grid(self, view: View) -> Grid:
        """The grid of a view of this file on the page."""
        return Grid(*self.size) if self.tensors else page_grid(view, self.size)


def read_upload(data: bytes, name: str, frames: int, layout: str = AUTO, layer: int | None = None) -> Upload:
    """A file as it comes from a visitor; clips.Unreadable, in one sentence, where it cannot be read.

    layer  of a capture; None: the first that a view can show
    """
    if is_capture(data):
        return read_layer(read_capture(data, name), layer)
    if clips.is_tensors(data):
        return read_tensors(data, name, layout)
    file = clips.decode_file(data, name, frames)
    found = file.take(frames)
    assert found is not None
    most = View.limits("frames")["high"]
    upload = Upload(SourceFile.of(found.clip.name, data), data, (min(found.total, most), *found.clip.size[1:]),
                    file)
    for key in (min(frames, found.total), "last"):
        upload.decoded.put(key, Media(found.clip, found.said))
    return upload


def read_tensors(data: bytes, name: str, layout: str = AUTO) -> Upload:
    """A researcher's tensors; clips.Unreadable where they cannot be read, or are more than a browser can follow.

    Where both layouts fit, heads come first, and `asked` has the sentence with which the page asks.
    """
    asked = ""
    try:
        found = clips.decode_tensors(data, name, layout)
    except AmbiguousLayout as error:
        asked = str(error).partition("cannot be read: ")[2]
        layout = LAYOUTS[0]
        found = clips.decode_tensors(data, name, layout)
    return tensor_upload(SourceFile.of(found.name, data), data, found, layout, asked)


def read_layer(file: CaptureFile, layer: int | None = None) -> Upload:
    """A layer of a capture; None: the first that a view can show. clips.Unreadable where it cannot be shown."""
    every = file.capture.layers
    number = layer or next((n for n, one in enumerate(every, 1) if not why_no_view(one)), 1)
    found = layer_tensors(file.data, number, file.source.name)
    return replace(tensor_upload(file.source, file.data, found), layer=number, layers=len(every))


def tensor_upload(source: SourceFile, data: bytes, found: clips.Tensors, layout: str = AUTO,
                  asked: str = "") -> Upload:
    """Tensors as an upload; clips.Unreadable where they are more than a browser can follow."""
    _, heads, tokens, width = found.q.shape
    tokens = max(tokens, found.k.shape[2])
    most_heads = View.limits("head")["high"]
    for count, most, what in ((tokens, CAPS["page"], "tokens"), (heads, most_heads, "heads"),
                              (max(width, found.v.shape[-1]), WIDTH, "numbers per token")):
        if count > most:
            raise clips.Unreadable(f"{found.name} cannot be shown: it has {count:,} {what}, and at most {most:,} "
                                   "can be shown here; linviz.read takes as many as you have")
    grid = found.grid
    return Upload(source, data, (grid.T, grid.Y, grid.X, grid.prefix), None, found, layout, asked)


def own_scene(view: View, upload: Upload) -> Scene:
    """The tokens of a person's own file."""
    grid = upload.grid(view)
    key = (OWN, upload.source.sha256, grid, view.temperature, view.head, view.causal, view.keys, upload.layout,
           upload.layer)

    def make() -> Scene:
        media = upload.media(grid.T)
        there = replace(grid, T=min(grid.T, media.size[0])) if upload.tensors is None else grid
        tokens = describe_tokens(cut_clip(media, there), view.temperature, view.head, view.causal, view.keys)
        return scene_of(tokens, key, upload.results, upload.data)
    return upload.scenes.keep(key, make)


# ------------------------------------------------------------------------------------------------ the session


def keep_upload(upload: Upload) -> None:
    """Put a file beside those that this visit has brought; the oldest go where there is no room."""
    kept: dict[str, Upload] = st.session_state.setdefault(UPLOADS, {})
    kept.pop(upload.source.sha256, None)
    kept[upload.source.sha256] = upload
    while sum(len(one.data) for one in kept.values()) > limits.BYTES:
        del kept[next(iter(kept))]


def follow_layout(view: View) -> None:
    """Read a file again where its view has another layout or layer; clips.Unreadable where that cannot be shown."""
    upload = find_upload(view.source)
    if upload is None or upload.tensors is None:
        return
    if (file := find_capture(view.source)) is not None:
        if upload.layer != view.layer:
            keep_upload(read_layer(file, view.layer))
    elif upload.layout != view.layout:
        keep_upload(read_tensors(upload.data, upload.source.name, view.layout))


def why_not_causal(view: View) -> str:
    """Why attention to the file of a view cannot be causal, in one sentence; empty where it can."""
    upload = find_upload(view.source)
    found = upload.tensors if upload is not None else None
    if found is None or found.key_grid == found.grid:
        return ""
    return (f"Causal attention needs as many keys as queries, in one order; here are {len(found.grid):,} queries and "
            f"{len(found.key_grid):,} keys.")


def find_upload(source: Any) -> Upload | None:
    """The file of a source, where it has come: to this page, or as a capture to another."""
    if not isinstance(source, SourceFile):
        return None
    found: Upload | None = st.session_state.get(UPLOADS, {}).get(source.sha256)
    if found is None and (file := find_capture(source)) is not None:
        try:
            keep_upload(found := read_layer(file))
        except clips.Unreadable:
            return None
    return found


def is_awaited(view: View) -> bool:
    """Whether a view is of a file that has not come yet."""
    return isinstance(view.source, SourceFile) and find_upload(view.source) is None


def current_source() -> SourceFile | None:
    """The file that is chosen: shown where it has come, else awaited."""
    found: SourceFile | None = st.session_state.get(CHOSEN)
    return found


def choose_source(source: SourceFile | None) -> None:
    """From now on this file is shown, or awaited."""
    st.session_state[CHOSEN] = source


def linked_fields() -> dict[str, str]:
    """What a link says whose file is awaited, as parameters: it stays, whatever shows that file best."""
    found: dict[str, str] = st.session_state.get(LINK, {})
    return found


def size_of(view: View) -> tuple[int, ...] | None:
    """The size of the file that a view shows; None for a sample, and while the file is awaited."""
    found = find_upload(view.source)
    return None if found is None else found.size


def best_view(parameters: Mapping[str, str]) -> View:
    """The view in which the file of a URL shows best: what a URL stands for that says nothing else."""
    try:
        source = Source().read(parameters.get("source", ""))
    except Refused:
        return View()
    upload = find_upload(source)
    if not isinstance(source, SourceFile):
        return View()
    view = View(source)
    return view.with_values(**best_fields(view, upload.size if upload else None))
