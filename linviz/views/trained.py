"""A view of trained models on record: which were asked about which clip of the motion task, and what is drawn of them.

The printers draw it as any other view. It is put together by whoever has asked the models: nothing is computed twice.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from torch import Tensor

from ..clips import Clip
from ..grid import Grid
from ..maps import Dense, Map
from ..mechanisms import parse
from ..models import Shape, Traced
from ..models.checkpoints import slug
from ..patch_view import Panel
from .attended import ALL, drawn, moments
from .look import Look
from .row_stats import told_apart
from .state import versions

PLAYED = {"normal": "", "reversed": ", played backwards", "shuffled": ", its frames in a random order"}


@dataclass(frozen=True)
class Models:
    """Everything that decides what a view of trained models shows.

    arms, budget, seed      which models: `linviz.models.pretrained(arm, seed, budget)`
    layer, head             what is drawn of them: both from 1, or the mean of the maps of "all" heads
    clip_seed, clip, order  which clip of the motion task, from 0; "normal", "reversed" or "shuffled" in time
    temperature, strength   of the softmax models and of the gates, in all layers; 1 is as trained
    query                   frame, row and column of the pinned patch, from 0;  look: what the view's own controls say
    """

    arms: tuple[str, ...]
    budget: str
    seed: int
    layer: int
    head: str
    clip_seed: int
    clip: int
    order: str
    temperature: float
    strength: float
    query: tuple[int, int, int]
    look: Look = Look()

    def altered(self, arm: str) -> dict[str, float]:
        """What is done to one of the models: its temperature, the strength of its gate, where they are not 1.

        >>> view = Models(("softmax", "relu"), "long", 0, 2, "all", 0, 0, "normal", 0.5, 0.3, (0, 0, 0))
        >>> view.altered("softmax"), view.altered("relu_floor+gate~wide"), view.altered("relu")
        ({'temperature': 0.5}, {'strength': 0.3}, {})
        """
        spec = parse(arm.partition("~")[0])
        found = {"temperature": self.temperature} if spec.name == "softmax" else {}
        found |= {"strength": self.strength} if spec.gate else {}
        return {name: value for name, value in found.items() if value != 1}


@dataclass(frozen=True, eq=False)
class Model:
    """One model asked about the clip, and what is drawn of it.

    spec, title  its name, and what it is called;  card  the JSON beside its weights
    shares       (C,) of the classes;  layers  what each attended with;  layer, head: as in `Models`
    """

    spec: str
    title: str
    card: dict[str, Any]
    shares: Tensor
    layers: tuple[Traced, ...]
    layer: int
    head: str
    gate = None  # its strength is a matter of the whole model, not of one map

    @property
    def traced(self) -> Traced:
        """The layer that is drawn."""
        return self.layers[self.layer - 1]

    @property
    def family(self) -> str:
        """The family of its attention."""
        return self.traced.attention.family

    @property
    def panel(self) -> Panel:
        """What the live view draws."""
        return Panel(self.title, self.family, *drawn(self.traced.map, self.head))

    @cached_property
    def map(self) -> Map:
        """The map that is drawn, of one head."""
        a, (batch, head) = drawn(self.traced.map, self.head)
        found = Dense(a.dense()[batch, head][None, None], stochastic=False)
        found.stochastic = a.stochastic
        return found

    @property
    def file(self) -> str:
        """The name of its weights, beside the others of its budget."""
        return f"{slug(self.spec)}.{self.card['seed']}.safetensors"

    @property
    def says(self) -> str:
        """The class that it finds likeliest."""
        return str(self.card["classes"][int(self.shares.argmax())])


@dataclass(frozen=True, eq=False)
class Trained:
    """What a view of trained models shows: a `linviz.views.sight.Sight`.

    clip     as it is played, in the pixels that the models get;  shape  of the models
    inked    which tokens the digit's ink touches, (N,) bool;  true  the class that it moves in, in order
    heading  what to see, in a line;  words  how to ask it, for a page
    """

    view: Models
    clip: Clip
    shape: Shape
    shown: tuple[Model, ...]
    inked: Tensor
    true: str
    heading: str
    words: str

    @property
    def grid(self) -> Grid:
        """How the clip is cut into tokens."""
        return self.shape.grid

    @cached_property
    def picture(self) -> Clip:
        """The clip as its tokens see it."""
        return replace(self.clip, frames=moments(self.clip.frames, self.shape.tubelet[0]), mask=None)

    @property
    def titles(self) -> list[str]:
        """What to call each model."""
        return told_apart([one.title for one in self.shown], [one.spec for one in self.shown])

    @property
    def look(self) -> Look:
        """How it is looked at."""
        return self.view.look

    @property
    def place(self) -> tuple[int, int, int]:
        """Frame, row and column of the pinned patch, from 0."""
        return self.view.query

    @property
    def query(self) -> int:
        """The pinned patch's token number."""
        return self.grid.number(*self.place)

    @property
    def frame(self) -> int:
        """The moment that is shown large."""
        t = self.look.frame
        return self.place[0] if t is None else min(t, self.grid.T - 1)

    @property
    def outline(self) -> Tensor:
        """A line is drawn around what the digit's ink touches."""
        return self.inked

    @property
    def turned(self) -> Trained:
        """Itself: strength has been asked for of the whole models."""
        return self

    def walked(self, t: int) -> Trained:
        """Itself: no patch is followed."""
        return self

    def only(self, spec: str) -> Trained:
        """The same view of one of its models; no such, no panel."""
        return replace(self, shown=tuple(one for one in self.shown if one.spec == spec))

    @property
    def made(self) -> str:
        """How the maps were made, in sentences."""
        view, shape, grid = self.view, self.shape, self.grid
        head = "the mean of the maps of all heads" if view.head == ALL else f"head {view.head}"
        said = [f"The {view.budget} models, seed {view.seed}: layer {view.layer}, {head}.",
                f"Clip {view.clip} of seed {view.clip_seed}{PLAYED[view.order]}: {shape.frames} frames are {grid.T} "
                f"moments of {grid.Y} x {grid.X} patches, {shape.tubelet[0]} frames deep.",
                "The white line is around patches that the digit's ink touches."]
        if changed := [f"{one.title} ({name} {value:g})" for one in self.shown
                       for name, value in view.altered(one.spec).items()]:
            said.append(f"Not as trained: {', '.join(changed)}.")
        return " ".join(said)

    def told(self) -> dict[str, Any]:
        """The state, the versions, and which weights these are; JSON can hold it."""
        files = {one.spec: {"file": f"{self.view.budget}/{one.file}", "sha256": one.card["sha256"]}
                 for one in self.shown}
        view = asdict(self.view)
        for name in ("strength", "follow"):  # of single maps: the models have a strength, no patch is followed
            del view["look"][name]
        return versions() | {"trained": view | {name: list(view[name]) for name in ("arms", "query")}, "models": files}
