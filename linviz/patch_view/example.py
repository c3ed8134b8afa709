"""A page about a sample photograph or clip, made from its name alone: what `linviz export` writes."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from .. import clips
from ..clips import Clip
from ..grid import Grid
from ..maps import Map
from ..mechanisms import make
from ..models import LABEL, fit_gate
from .blob import Panel, fitted
from .html import save

TITLE = "The floor is fog; the gate gathers it"
TEXT = """Move over the picture: each panel is the same picture, lit by the attention of the patch under your hand. A
click pins a patch, the arrow keys move it. Linear attention with its floor sees everything a little; the gate, {label},
gathers it again. What you see is {note}. Attention is not explanation: what a patch looks at need not be what decides
(Jain and Wallace 2019). {credit}"""


def save_example(path: str | Path, photo: str = "chelsea", patches: int = 28,
                 specs: Sequence[str] = ("softmax", "relu_floor", "relu_floor+gate"), temperature: float = 2 / 3,
                 frames: int = 8) -> Path:
    """Write a page about one of the sample photographs or clips (`linviz.clips.names()`), gates fitted to softmax.

    patches: per side. frames: of a clip; a photograph has one. temperature: of the descriptors. Takes some seconds.
    """
    clip, grid, panels = example(photo, patches, tuple(specs), temperature, frames)
    text = TEXT.format(label=LABEL, note=clips.DESCRIPTORS_NOTE, credit=f"{clip.title}: {clip.author}, {clip.licence}.")
    tracks = None if clip.motion is None else clips.tracks(clip, grid)
    return save(path, panels, clip, grid, query=clips.token_at(clip, grid), title=TITLE, text=text, intro=True,
                tracks=tracks)


def example(photo: str, patches: int, specs: tuple[str, ...], temperature: float,
            frames: int) -> tuple[Clip, Grid, list[Panel]]:
    """A sample, its grid and one panel a spec: maps on raw descriptors, every gate fitted to softmax."""
    clip = clips.load(photo, frames=frames)
    grid = Grid(clip.size[0], patches, patches)
    clip = clips.fit(clip, grid)
    with torch.no_grad():
        q, k, v = clips.descriptors(clip, grid, temperature)
    target = make("softmax", 1, q.shape[-1], grid).map(q, k, v)
    return clip, grid, [_example_panel(spec, grid, target, q, k, v) for spec in specs]


def _example_panel(spec: str, grid: Grid, target: Map, q: Tensor, k: Tensor, v: Tensor) -> Panel:
    m = make(spec, 1, q.shape[-1], grid)
    gate = None if m.gate is None else fitted(fit_gate(m, target, q, k, v), q, k, v)
    with torch.no_grad():
        return Panel(m.title, m.family, m.map(q, k, v), gate=gate)
