"""From a source to panels, in pure steps: media, grid, tokens, panel. A page may cache each of them.

    media = read_media(view, data)              a sample, or a person's own file as it was decoded
    grid = view_grid(view, media.size)          frames, rows and columns of patches
    tokens = describe_tokens(cut_clip(media, grid), ...)    q, k and v, the clip in patches, the object's mask
    panel = measure_panel(mechanism, tokens)    in `panel_steps`: title and reading; with a gate, after `fit_panel`
    open_view(view, data)                       all of it: an `OpenView`, which the writers in `export` print
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from .. import clips
from ..capture.capture_file import is_capture
from ..clips import Clip
from ..clips.decode import is_moving
from ..clips.fitting import PATCH, cut_note, patch_counts, stretch_frames
from ..clips.tensors import Tensors, decode_tensors, is_tensors
from ..grid import Grid
from .capture_source import layer_tensors
from .panel_options import panel_text
from .panel_steps import fit_panel, make_mechanism, measure_panel, weaken_panel
from .state import OWN_CLIP_PATCHES, OWN_PATCHES, View
from .state_kinds import SourceFile
from .view_checks import check_file, check_query, check_size
from .view_panels import OpenView, Tokens, ViewPanel

GREY = 0.7  # what is lit where there is no picture
TENSORS_NOTE = "the q, k and v of {head}, as they are in the file; a patch counts as {patch} pixels"
ALL_NOTE = "all {count} heads, the mean of whose maps is shown"
Progress = Callable[[int, int, str], None]  # done, of how much, what


@dataclass(frozen=True, eq=False)
class Media:
    """What a view is of, before it is cut into tokens.

    clip  as it comes; grey paper for tensors;  note  what was read of a person's own file, in one line
    """

    clip: Clip
    note: str = ""
    tensors: Tensors | None = None

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, and rows and columns of pixels."""
        return self.clip.size


def view_of_file(name: str, data: bytes, **chosen: Any) -> View:
    """A view of a person's own file, as it shows best or as `chosen`; ValueError where the file cannot be read.

    28 patches along the longer side of a picture, 16 of a clip. Tensors are taken as they are: their own grid, and
    1 as temperature.
    """
    if is_tensors(data):
        chosen = {"temperature": 1.0} | chosen
    elif "patches" not in chosen:
        chosen = chosen | {"patches": OWN_CLIP_PATCHES if is_moving(data, name) else OWN_PATCHES}
    return View(SourceFile.of(name, data)).with_values(**chosen)


# ------------------------------------------------------------------------------------------------ the steps


def read_media(view: View, data: bytes | None = None) -> Media:
    """The clip that a view is of. `data` is the file of a person's own; ValueError where it cannot be read."""
    data = check_file(view, data)
    if data is None:
        return Media(clips.load(str(view.source), frames=max(view.frames, clips.FRAMES[0])))
    name = source_name(view)
    if is_capture(data):
        return tensor_media(layer_tensors(data, view.layer, name))
    if is_tensors(data):
        return tensor_media(decode_tensors(data, name, view.layout))
    found = clips.decode_clip(data, name, view.frames)
    return Media(found.clip, found.said)


def tensor_media(found: Tensors) -> Media:
    """The media of tensors: the pictures in their file, or grey paper where it is not known what they were made of."""
    paper = torch.full((found.grid.T, 3, found.grid.Y * PATCH, found.grid.X * PATCH), GREY)
    frames = paper if found.frames is None else stretch_frames(found.frames, found.grid)
    clip = replace(Clip.plain(frames, found.name, alt=found.said), source=f"the file {found.name}")
    return Media(clip, found.said, found)


def view_grid(view: View, size: tuple[int, ...] | None = None, cap: int | None = None) -> Grid:
    """The grid of patches: square for a sample, while a person's own picture of `size` keeps its form: `patch_counts`.

    cap: tokens at most; a clip then has fewer frames.

    >>> view_grid(View("pan", patches=14)), view_grid(View("pan", patches=28, frames=16), cap=3136).T
    (Grid(T=8, Y=14, X=14, prefix=0), 4)
    """
    y, x = frame_patches(view, size, view.patches)
    frames = 1 if view.still else min(view.frames, size[0]) if size else view.frames
    return Grid(frames if cap is None else max(1, min(frames, cap // (y * x))), y, x)


def frame_patches(view: View, size: tuple[int, ...] | None, patches: int) -> tuple[int, int]:
    """Rows and columns of patches with so many along the longer side of a frame; see `view_grid`."""
    rows, columns = size[1:3] if size and isinstance(view.source, SourceFile) else (1, 1)
    return patch_counts(rows, columns, patches)


@dataclass(frozen=True, eq=False)
class CutClip:
    """A clip cut to a grid: as its patches are described, as it is drawn, and the object's share of every token."""

    clip: Clip
    picture: Clip
    grid: Grid
    mask: Tensor | None
    media: Media
    _described: dict[str, tuple[Tensor, Tensor, Tensor]] = field(default_factory=dict)

    def descriptors(self, keys: str) -> tuple[Tensor, Tensor, Tensor]:
        """q, k, v of its patches at temperature 1, described once; see `clips.descriptors`."""
        if keys not in self._described:
            self._described[keys] = clips.descriptors(self.clip, self.grid, keys=keys)
        return self._described[keys]


def cut_clip(media: Media, grid: Grid) -> CutClip:
    """A clip cut to a grid of patches; tensors have their own grid."""
    if media.tensors is not None:
        return CutClip(media.clip, media.clip, media.tensors.grid, None, media)
    clip = clips.fit(media.clip, grid)
    mask = None if clip.mask is None else clips.token_mask(clip, grid)
    return CutClip(clip, clips.fit_sharp(media.clip, grid), grid, mask, media)


def describe_tokens(cut: CutClip, temperature: float, head: int = 1, causal: bool = False,
                    keys: str = "own") -> Tokens:
    """The tokens of a cut clip: descriptors of its patches, or one head of a person's own tensors.

    keys: what a key describes, its own patch or those around it (see `clips.descriptors`); tensors have their own.
    """
    found = cut.media.tensors
    if found is None:
        q, k, v = cut.descriptors(keys)
        q, k = q * temperature**-0.5, k * temperature**-0.5
        note = clips.DESCRIPTORS_NOTE if keys == "own" else clips.AROUND_NOTE
        return Tokens(cut.clip, cut.picture, cut.grid, q, k, v, cut.mask, causal, note, file_note(cut.media, cut.grid))
    q, k, v = tensor_head(found, head, temperature)
    shown = f"head {head}" if head else ALL_NOTE.format(count=q.shape[1])
    key_grid = None if found.key_grid == cut.grid else found.key_grid
    return Tokens(cut.clip, cut.picture, cut.grid, q, k, v, cut.mask, causal,
                  TENSORS_NOTE.format(head=shown, patch=PATCH), cut.media.note, key_grid,
                  found.layer)


def file_note(media: Media, grid: Grid) -> str:
    """What was read of a person's own file, and what of it the grid cuts off, in one line; "" for a sample."""
    cut = cut_note(media.clip, grid) if media.note and media.tensors is None else ""
    return "; ".join(filter(None, (media.note, cut)))


def tensor_head(found: Tensors, head: int, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v of one head, counted from 1, or of all for 0: (1, 1, N, D), v (1, 1, S, E).

    Every logit is divided by the temperature. ValueError, in one sentence, where there is no such head.
    """
    if not 0 <= head <= found.q.shape[1]:
        raise ValueError(f"{found.name} has {found.q.shape[1]} heads, counted from 1; there is no head {head}")
    q, k, v = (x[:, head - 1:head] if head else x for x in (found.q, found.k, found.v))
    scale = temperature**-0.5
    return q * scale, k * scale, v


# ------------------------------------------------------------------------------------------------ all of them


def open_view(view: View, data: bytes | None = None, progress: Progress | None = None) -> OpenView:
    """Make the clip, the maps and their readings; `data` is the file of a view of a person's own.

    A mechanism that cannot be made on this grid, or measured on these tokens, is left out with a reason. ValueError, in
    one sentence, where the file is missing, another one or unreadable, or where no mechanism is left.

    >>> open_view(View("coffee", patches=7, specs=("softmax",))).panels[0].reading.entropy.shape
    torch.Size([1, 1, 49])
    """
    check_size(view_grid(view, None) if isinstance(view.source, str) else None, source_name(view))
    media = read_media(view, data)
    grid = media.tensors.grid if media.tensors else view_grid(view, media.size)
    check_query(view.query, grid, media.clip.name)
    check_size(grid, media.clip.name)
    tokens = describe_tokens(cut_clip(media, grid), view.temperature, view.head, view.causal, view.keys)
    panels, left_out = _open_panels(view, tokens, progress)
    return OpenView(view, tokens, tuple(weaken_panel(panel, view.look) for panel in panels), panels, left_out)


def _open_panels(view: View, tokens: Tokens,
                 progress: Progress | None) -> tuple[tuple[ViewPanel, ...], dict[str, str]]:
    """The panels that can be measured, and why the others cannot; ValueError where none can."""
    panels, left_out = [], {}
    for spec, options in view.panels:
        try:
            panels.append(_open_panel(view, spec, options, tokens, progress))
        except ValueError as error:
            left_out[panel_text(spec, options)] = str(error)
    if not panels:
        raise ValueError("; ".join(dict.fromkeys(left_out.values())))
    return tuple(panels), left_out


def _open_panel(view: View, spec: str, options: Mapping[str, Any], tokens: Tokens,
                progress: Progress | None) -> ViewPanel:
    mechanism = make_mechanism(spec, tokens, options=options)
    if mechanism.gate is None:
        return measure_panel(mechanism, tokens, options=options)
    mechanism.admit(tokens.q, tokens.k, tokens.v)  # what is wrong with them is said of this spec, not of the target
    what = f"fitting {panel_text(spec, options)}"
    report = None if progress is None else lambda step, steps, kl: progress(step, steps, what)
    fit = fit_panel(spec, tokens, view.steps, view.seed, options, report)
    return measure_panel(fit.mechanism, tokens, fit, options)


def source_name(view: View) -> str:
    """The name of what a view is of."""
    return view.source.name if isinstance(view.source, SourceFile) else view.source
