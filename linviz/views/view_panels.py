"""A view that is open: its tokens and its panels, and what the writers of files ask of it."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from torch import Tensor

from .. import clips
from ..clips import Clip
from ..grid import Grid
from ..maps import Map
from ..models import LABEL
from ..patch_view import Panel
from ..reading import Reading
from .panel_options import panel_text
from .row_stats import MeasureOptions, distinct_titles, measure_options, row_statistics
from .state import Look, View
from .view_checks import pinned_tokens
from .view_heading import Spread, view_heading


@dataclass(frozen=True, eq=False)
class Tokens:
    """A clip cut into tokens.

    clip     as its patches are described, (T, 3, Y * 16, X * 16);  picture  the same, as sharp as it is shown
    q, k, v  (1, 1, N, D), v (1, 1, N, E);  mask  the object's share of every token (N,), where it is known
    causal   no token sees a later one;  layer  of a model's capture, counted from 1, else None
    note     what q, k and v are;  file_note  what was read of a person's own file, in one line
    key_grid  of the keys, where they do not lie as the queries do. With several heads, the mean of their maps is shown
    """

    clip: Clip
    picture: Clip
    grid: Grid
    q: Tensor
    k: Tensor
    v: Tensor
    mask: Tensor | None = None
    causal: bool = False
    note: str = clips.DESCRIPTORS_NOTE
    file_note: str = ""
    key_grid: Grid | None = None
    layer: int | None = None

    @property
    def keys(self) -> Grid:
        """Where the keys lie."""
        return self.key_grid or self.grid

    @property
    def query(self) -> int:
        """The query at first."""
        return clips.token_at(self.clip, self.grid)

    @property
    def measure_options(self) -> MeasureOptions:
        """The row measures that need to know where tokens lie, with what they need: none where keys lie elsewhere."""
        return measure_options(self.grid, self.mask) if self.key_grid is None else {}

    @cached_property
    def tracks(self) -> Tensor | None:
        """Where each token's patch is on the other frames, if that is known of the clip."""
        return None if self.clip.motion is None else clips.token_tracks(self.clip, self.grid)


@dataclass(frozen=True, eq=False)
class ViewPanel:
    """One mechanism of a view: its title, its reading, the snapshots of its gate's fit (see `gate_snapshots`)."""

    title: str
    reading: Reading
    gate: dict[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def map(self) -> Map:
        """The table of weights that is measured and drawn."""
        return self.reading.map

    @property
    def spec(self) -> str:
        """The spec in its shortest form."""
        return self.reading.mechanism.spec

    @property
    def key(self) -> str:
        """The spec, and the options where there are some: what tells this panel apart from every other."""
        return panel_text(self.spec, self.options)

    @property
    def gated(self) -> bool:
        """Whether there is a gate, which was fitted."""
        return self.reading.mechanism.gate is not None

    @property
    def has_live_memory(self) -> bool:
        """Whether it is a memory whose fading and erasing the live view turns: not so for a mean of several heads."""
        return self.reading.mechanism.memory is not None and not self.reading.mean_of_heads

    @property
    def family(self) -> str:
        """The mechanism's family, which gives its colour."""
        return self.reading.mechanism.family


def memory_sentence(panels: Iterable[ViewPanel], look: Look) -> str:
    """At which strengths the memories among these panels stand, after a space; empty where they are as declared.

    >>> memory_sentence([], Look(fading=0.5))
    ''
    """
    if (look.fading, look.erasing) == (1, 1) or all(panel.reading.mechanism.memory is None for panel in panels):
        return ""
    return f" Memories fade at strength {look.fading:g} and erase at strength {look.erasing:g}."


@dataclass(frozen=True, eq=False)
class OpenView:
    """What a view shows. A page that already has these parts puts them together here, so that nothing is fitted twice.

    panels  measured with gates and memories at the strengths of the look;  fitted_panels  the same at strength 1
    left_out  a sentence on every mechanism that cannot be measured, by its key: the others are shown without it
    """

    view: View
    tokens: Tokens
    panels: tuple[ViewPanel, ...]
    fitted_panels: tuple[ViewPanel, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    outline = None  # no line is drawn around the object

    @property
    def clip(self) -> Clip:
        """The clip as it is described."""
        return self.tokens.clip

    @property
    def picture(self) -> Clip:
        """The clip as it is drawn."""
        return self.tokens.picture

    @property
    def grid(self) -> Grid:
        """The grid of patches."""
        return self.tokens.grid

    @property
    def keys(self) -> Grid:
        """The grid of the keys."""
        return self.tokens.keys

    @property
    def look(self) -> Look:
        """How it is drawn."""
        return self.view.look

    @cached_property
    def heading(self) -> str:
        """What is to be seen, from the numbers of the pinned patch."""
        found = [row_statistics(panel.map, self.query, self.grid)[0].get("effective_tokens") for panel in self.panels]
        maps = [Spread(panel.spec, title, patches) for panel, title, patches in zip(self.panels, self.titles, found)]
        return view_heading(maps, len(self.keys) - self.keys.prefix, "this patch", self.view.causal)

    @property
    def provenance(self) -> str:
        """How the clip was cut and the maps were made, in sentences."""
        view, grid, note = self.view, self.grid, self.tokens.note
        size = f"{grid.T} frames of " * (grid.T > 1) + f"{grid.Y} x {grid.X} patches"
        strength = f", at strength {self.look.strength:g}" * (self.look.strength != 1)
        gates = f" A gate is {LABEL}: {view.steps} steps, seed {view.seed}{strength}."
        return (f"{size}, temperature {view.temperature:.3g}. {note[0].upper() + note[1:]}."
                + gates * any(panel.gated for panel in self.panels)
                + memory_sentence(self.panels, self.look)
                + self.left_out_words)

    @property
    def left_out_words(self) -> str:
        """A sentence on every mechanism that cannot be measured, each after a space."""
        return "".join(f" {key} is not shown: {why}." for key, why in self.left_out.items())

    def to_json(self) -> dict[str, Any]:
        """The state and the versions that it was made with."""
        return self.view.to_json()

    @property
    def place(self) -> tuple[int, int, int]:
        """Frame, row and column of the pinned patch, from 0; ValueError for a token that lies before the picture."""
        query = self.view.query
        if query is not None and len(query) == 1:
            raise ValueError(f"the query {query[0]} is a token before the picture, without a row and a column: take a "
                             "patch as the query")
        return self.grid.place(self.tokens.query) if query is None else (query[0], query[1], query[2])

    @property
    def query(self) -> int:
        """The pinned token's number."""
        query = self.view.query
        return query[0] if query is not None and len(query) == 1 else self.grid.number(*self.place)

    @property
    def from_tensors(self) -> bool:
        """Whether q, k and v came as tensors."""
        return self.tokens.note not in (clips.DESCRIPTORS_NOTE, clips.AROUND_NOTE)

    @property
    def titles(self) -> list[str]:
        """The title of each map, or its key where two titles would be equal."""
        return distinct_titles([panel.title for panel in self.panels], [panel.key for panel in self.panels])

    def only(self, key: str) -> OpenView:
        """The same view of one of its mechanisms, by the panel's `key`; an unknown one gives no panel."""
        kept = [n for n, panel in enumerate(self.panels) if panel.key == key]
        return replace(self, panels=tuple(self.panels[n] for n in kept),
                       fitted_panels=tuple(self.fitted_panels[n] for n in kept))

    @property
    def frame(self) -> int:
        """The frame that is shown large."""
        t = self.look.frame
        return self.place[0] if t is None else min(t, self.grid.T - 1)

    @property
    def tracks(self) -> Tensor | None:
        """Where each token's patch is on the other frames, if that is known of the clip."""
        return self.tokens.tracks

    def at_frame(self, t: int) -> OpenView:
        """The same view; if the look follows the motion, the query is where its patch has moved on frame t."""
        tracks = self.tracks if self.look.follow else None
        if tracks is None:
            return self
        def follow(token: int) -> tuple[int, int, int]:
            to = int(tracks[token, t])
            return self.grid.place(to if to >= 0 else token)
        pins = tuple(follow(token) for token in pinned_tokens(self.look, self.query, self.grid))
        moved = replace(self, view=replace(self.view, query=follow(self.query), look=replace(self.look, pins=pins)))
        moved.__dict__["heading"] = self.heading  # all frames of a film have one title
        return moved

    @property
    def live_panels(self) -> list[Panel]:
        """The panels of the live view, which turns the gates itself where it can."""
        shown = (fitted if fitted.gate or fitted.has_live_memory else turned
                 for fitted, turned in zip(self.fitted_panels, self.panels))
        return [Panel(title, panel.family, panel.map, gate=panel.gate, keys=self.tokens.key_grid)
                for panel, title in zip(shown, self.titles)]
