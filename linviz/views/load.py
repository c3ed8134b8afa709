"""A view opened: its clip cut into tokens, its maps made and its gates fitted, each once."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from .. import clips
from ..clips import Clip
from ..clips.tensors import is_tensors, tensors
from ..grid import Grid
from ..maps import Map
from ..mechanisms import Attention, make
from ..models import LABEL, fit_gate
from ..patch_view import Panel, fitted
from ..reading import Reading
from .fields import TOKENS, File
from .given import one_head, paper
from .look import Look, turned
from .row_stats import Places, heading, measured, places, softmax_like, told_apart
from .state import Progress, View


@dataclass(frozen=True, eq=False)
class Shown:
    """One mechanism of a view: its title, its reading, and the snapshots of its gate's fit (`patch_view.fitted`)."""

    title: str
    reading: Reading
    gate: dict[str, Any] | None = None

    @property
    def map(self) -> Map:
        """The table of weights that is measured and drawn."""
        return self.reading.map

    @property
    def spec(self) -> str:
        """The spec in its shortest form."""
        return self.reading.mechanism.spec

    @property
    def family(self) -> str:
        """The mechanism's family, which gives its colour."""
        return self.reading.mechanism.family


@dataclass(frozen=True, eq=False)
class Opened:
    """What a view shows. Whoever has these parts already puts them together here, and exports without a second fit.

    clip     as it is described, (T, 3, Y * 16, X * 16);  picture: the same, as sharp as it is shown
    mask     the object's share of every token, (N,), where it is known
    said     what was read of somebody's own file, in one line
    note     what the queries and keys are
    """

    view: View
    clip: Clip
    picture: Clip
    grid: Grid
    shown: tuple[Shown, ...]
    mask: Tensor | None = None
    said: str = ""
    note: str = clips.DESCRIPTORS_NOTE
    outline = None  # no line stands around the object

    @property
    def look(self) -> Look:
        """How it is looked at."""
        return self.view.look

    @property
    def heading(self) -> str:
        """What to see."""
        return heading(self.view.specs, self.view.causal)

    @property
    def made(self) -> str:
        """How it was cut and read, in sentences."""
        view, grid = self.view, self.grid
        size = f"{grid.T} frames of " * (grid.T > 1) + f"{grid.Y} x {grid.X} patches"
        gates = f" A gate is {LABEL}: {view.steps} steps, seed {view.seed}." if any(s.gate for s in self.shown) else ""
        return f"{size}, temperature {view.temperature:.3g}. {self.note[0].upper() + self.note[1:]}.{gates}"

    def told(self) -> dict[str, Any]:
        """The state and the versions that it was made with."""
        return self.view.told()

    @property
    def place(self) -> tuple[int, int, int]:
        """Frame, row and column of the pinned patch, from 0."""
        return self.view.query or self.grid.place(clips.token_at(self.clip, self.grid))

    @property
    def query(self) -> int:
        """The pinned patch's token number."""
        return self.grid.number(*self.place)

    @property
    def given(self) -> bool:
        """Whether q, k and v were given as tensors."""
        return self.note != clips.DESCRIPTORS_NOTE

    @property
    def titles(self) -> list[str]:
        """What to call each map: its spec where two would have one title."""
        return told_apart([shown.title for shown in self.shown], [shown.spec for shown in self.shown])

    def only(self, spec: str) -> Opened:
        """The same view of one of its mechanisms; no such, no panel."""
        kept = tuple(shown for shown in self.shown if shown.spec == spec)
        return replace(self, view=replace(self.view, specs=(spec,)), shown=kept)

    @property
    def frame(self) -> int:
        """The frame that is shown large."""
        t = self.view.look.frame
        return self.place[0] if t is None else min(t, self.grid.T - 1)

    @property
    def turned(self) -> Opened:
        """The same with every gate at the strength that it is looked at with; `titles` stay."""
        strength = self.view.look.strength
        return replace(self, shown=tuple(replace(s, reading=turned(s.reading, strength)) for s in self.shown))

    @property
    def tracks(self) -> Tensor | None:
        """Where each token's patch is on the other frames, if that is known of the clip."""
        return None if self.clip.motion is None else clips.tracks(self.clip, self.grid)

    def walked(self, t: int) -> Opened:
        """The same, asked by the patch where motion has taken the pinned one on frame t, if the look follows it."""
        tracks = self.tracks if self.view.look.follow else None
        to = -1 if tracks is None else int(tracks[self.query, t])
        return self if to < 0 else replace(self, view=replace(self.view, query=self.grid.place(to)))

    @property
    def panels(self) -> list[Panel]:
        """The panels of the view."""
        return [Panel(title, shown.family, shown.reading.map, gate=shown.gate)
                for shown, title in zip(self.shown, self.titles)]

    @property
    def places(self) -> Places:
        """The row measures that need to know where tokens lie, with what they need."""
        return places(self.grid, self.mask)


def opened(view: View, media: bytes | None = None, progress: Progress | None = None) -> Opened:
    """What `View.open` returns."""
    media = checked_media(view, media)
    given = tensors(media, name_of(view)) if media is not None and is_tensors(media) else None
    source, said = paper(given) if given else clip_of(view, media)
    grid = given.grid if given else grid_of(view, source)
    check(view, grid, source.name)
    clip, picture = clips.fit(source, grid), clips.sharp(source, grid)
    qkv = one_head(given, view.head, view.temperature) if given else clips.descriptors(clip, grid, view.temperature)
    mask = None if clip.mask is None else clips.token_mask(clip, grid)
    note = f"the q, k and v of head {view.head}, as they are in the file" if given else clips.DESCRIPTORS_NOTE
    return Opened(view, clip, picture, grid, tuple(readings(view, grid, qkv, progress)), mask, said, note)


def name_of(view: View) -> str:
    """The name of what a view is of."""
    return view.source.name if isinstance(view.source, File) else view.source


def check(view: View, grid: Grid, name: str) -> None:
    """ValueError, in one sentence, where the query is not on the grid, or the grid has too many tokens."""
    if view.query is not None and any(at >= size for at, size in zip(view.query, (grid.T, grid.Y, grid.X))):
        raise ValueError(f"the query {','.join(map(str, view.query))} is a frame, row and column counted from 0, and "
                         f"{name} is cut to {grid.T} x {grid.Y} x {grid.X}")
    if len(grid) > TOKENS:
        raise ValueError(f"{name} has {len(grid):,} tokens and {TOKENS:,} can be read")


def grid_of(view: View, clip: Clip) -> Grid:
    """The grid of a clip: square for a sample, while somebody's own picture keeps its form."""
    frames, rows, columns = clip.size
    if not isinstance(view.source, File):
        rows = columns = 1
    y, x = (max(1, round(view.patches * side / max(rows, columns))) for side in (rows, columns))
    return Grid(min(frames, view.most.T), y, x)


def clip_of(view: View, media: bytes | None) -> tuple[Clip, str]:
    """The clip that a view is of, as it comes, and what was read of it."""
    if not isinstance(view.source, File) or media is None:
        return clips.load(str(view.source), frames=max(view.frames, clips.FRAMES[0])), ""
    found = clips.decode(media, view.source.name, view.frames)
    return found.clip, found.said


def checked_media(view: View, media: bytes | None) -> bytes | None:
    """The bytes of the view's file, if they are its; None for a sample."""
    if not isinstance(view.source, File):
        if media is not None:
            raise ValueError(f"a view of the sample {view.source!r} takes no file")
        return None
    if media is None:
        raise ValueError(f"this view is of the file {view.source.name} (sha256 {view.source.sha256[:12]}...): give it")
    if (other := File.of(view.source.name, media).sha256) != view.source.sha256:
        raise ValueError(f"this view is of another file {view.source.name}: its sha256 begins with "
                         f"{view.source.sha256[:12]}, that of the one given with {other[:12]}")
    return media


def readings(view: View, grid: Grid, qkv: tuple[Tensor, Tensor, Tensor], progress: Progress | None) -> Iterator[Shown]:
    """Every mechanism of the view measured on its tokens, its gate fitted."""
    for spec in view.specs:
        wide = {"value_width": qkv[2].shape[-1]}
        mechanism, gate = make(spec, 1, qkv[0].shape[-1], grid, causal=view.causal, **wide), None
        if mechanism.gate is not None:
            mechanism, gate = gated(view, spec, grid, qkv, progress)
        reading, title = measured(mechanism, *qkv, view.causal)
        yield Shown(title + ", fitted" * (gate is not None), reading, gate)


def gated(view: View, spec: str, grid: Grid, qkv: tuple[Tensor, Tensor, Tensor],
          progress: Progress | None) -> tuple[Attention, dict[str, Any]]:
    """A mechanism with its gate fitted to the softmax map of the same q and k in the same scope; the fit's snapshots.

    q and k are (1, 1, N, D), v (1, 1, N, E).
    """
    width, how = qkv[0].shape[-1], {"causal": view.causal, "value_width": qkv[2].shape[-1]}
    mechanism = make(spec, 1, width, grid, view.seed, **how)
    with torch.no_grad():
        target = make(softmax_like(spec), 1, width, grid, **how).map(*qkv)
    watch = None if progress is None else lambda step, steps, kl: progress(step, steps, f"fitting {spec}")
    fit = fit_gate(mechanism, target, *qkv, steps=view.steps, seed=view.seed, progress=watch)
    return mechanism, fitted(fit, *qkv)
