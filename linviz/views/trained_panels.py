"""A view of trained models that is open: the clip as its tokens see it, the models' answers, and their maps.

A token is a box of pixels, `tubelet` frames deep: the picture of a moment is the mean of the frames that its tokens
see, and there are as many moments as tokens in time.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from ..clips import Clip
from ..grid import Grid
from ..maps import Dense, Factored, Map
from ..models import Shape, Traced
from ..models.checkpoints import slug
from ..patch_view import Panel
from .row_stats import distinct_titles
from .state import ALL_HEADS, Look, TrainedView, versions

PLAYED = {"normal": "", "reversed": ", played backwards", "shuffled": ", its frames in a random order"}
SIDE = 432  # pixels of the enlarged picture: browsers enlarge the models' few pixels coarsely


def head_map(a: Map, head: str) -> tuple[Map, tuple[int, int]]:
    """A map and which of its heads to draw: one of them, or the mean over all heads, which is a map of one head.

    The gate is part of the map: its strength belongs to the whole model. A mean of maps with factors has factors:
    those of all heads side by side.

    >>> import torch
    >>> x = torch.rand(1, 3, 4, 2)
    >>> a = Factored(x, x, False)
    >>> mean, at = head_map(a, "all")
    >>> torch.allclose(mean.dense()[at], a.dense().mean(1)[0]), head_map(a, "3")[1]
    (True, (0, 2))
    """
    a = a if a.shared is None else a.shared
    if head != ALL_HEADS:
        at = 0, int(head) - 1
        return (Factored(a.left, a.right, a.stochastic), at) if isinstance(a, Factored) else (a, at)
    if isinstance(a, Factored):
        left, right = (x.transpose(1, 2).flatten(-2)[:, None] for x in (a.left / a.left.shape[1], a.right))
        return Factored(left, right, a.stochastic), (0, 0)
    mean = Dense(a.dense().mean(1, keepdim=True), stochastic=False)
    mean.stochastic = a.stochastic  # a dead row does not make the mean signed
    return mean, (0, 0)


def moment_pictures(frames: Tensor, depth: int) -> Tensor:
    """What tokens see of a clip (T, 3, Ypx, Xpx): means of every `depth` frames, enlarged; (T / depth, 3, ...).

    >>> import torch
    >>> moment_pictures(torch.rand(8, 3, 36, 36), depth=2).shape
    torch.Size([4, 3, 432, 432])
    """
    means = frames.unflatten(0, (-1, depth)).mean(1)
    return F.interpolate(means, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 1)


@dataclass(frozen=True, eq=False)
class ModelAnswer:
    """One model asked about one clip: its answer, and what every layer attended with.

    spec, title  its name, and what it is called;  card  the JSON beside its weights
    shares       (C,) of the classes, in their order;  inked  (N,) bool, the patches that the digit's ink touches
    """

    spec: str
    title: str
    card: dict[str, Any]
    shape: Shape
    shares: Tensor
    inked: Tensor
    layers: tuple[Traced, ...]

    @property
    def family(self) -> str:
        """The family of its attention."""
        return self.layers[0].attention.family

    @property
    def likeliest(self) -> int:
        """The number of the class that the model finds likeliest."""
        return int(self.shares.argmax())

    @property
    def file(self) -> str:
        """The name of its weights, beside the others of its budget."""
        return f"{slug(self.spec)}.{self.card['seed']}.safetensors"


@dataclass(frozen=True, eq=False)
class ModelPanel:
    """What is drawn of one model: the map of one layer and head."""

    answer: ModelAnswer
    layer: int
    head: str
    gate = None  # the strength of a gate belongs to the whole model, not to one map

    @property
    def title(self) -> str:
        """What the model is called."""
        return self.answer.title

    @property
    def spec(self) -> str:
        """The model's name."""
        return self.answer.spec

    key = spec  # tells the panel apart from every other

    @property
    def family(self) -> str:
        """The family of its attention."""
        return self.answer.family

    @property
    def traced(self) -> Traced:
        """The layer that is drawn."""
        return self.answer.layers[self.layer - 1]

    @property
    def live_panel(self) -> Panel:
        """What the live view draws."""
        return Panel(self.title, self.family, *head_map(self.traced.map, self.head))

    @cached_property
    def map(self) -> Map:
        """The map that is drawn, of one head."""
        a, (batch, head) = head_map(self.traced.map, self.head)
        found = Dense(a.dense()[batch, head][None, None], stochastic=False)
        found.stochastic = a.stochastic
        return found


@dataclass(frozen=True, eq=False)
class OpenTrained:
    """What a view of trained models shows: a `drawable.Drawable`.

    clip     as it is played, in the pixels that the models get;  true  the class that it moves in, in order
    heading  what to see, in one line;  guide  how to ask the view, for a page
    """

    view: TrainedView
    clip: Clip
    answers: tuple[ModelAnswer, ...]
    true: str
    heading: str
    guide: str

    @property
    def shape(self) -> Shape:
        """The shape of the models."""
        return self.answers[0].shape

    @property
    def grid(self) -> Grid:
        """How the clip is cut into tokens."""
        return self.shape.grid

    @cached_property
    def panels(self) -> tuple[ModelPanel, ...]:
        """What is drawn of every model."""
        return tuple(ModelPanel(one, self.view.layer, self.view.head) for one in self.answers)

    @cached_property
    def picture(self) -> Clip:
        """The clip as its tokens see it."""
        return replace(self.clip, frames=moment_pictures(self.clip.frames, self.shape.tubelet[0]), mask=None)

    @property
    def titles(self) -> list[str]:
        """What to call each model."""
        return distinct_titles([one.title for one in self.answers], [one.spec for one in self.answers])

    @property
    def look(self) -> Look:
        """How the view is drawn."""
        return self.view.look

    @property
    def place(self) -> tuple[int, int, int]:
        """Frame, row and column of the pinned patch, from 0."""
        query = self.view.query
        return self.grid.place(first_query(self.clip, self.shape)) if query is None else (query[0], query[1], query[2])

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
        """A line is drawn around the patches that the digit's ink touches."""
        return self.answers[0].inked

    def at_frame(self, t: int) -> OpenTrained:
        """Itself: no patch is followed."""
        return self

    def only(self, key: str) -> OpenTrained:
        """The same view of one of its models; an unknown name gives no panel."""
        return replace(self, answers=tuple(one for one in self.answers if one.spec == key))

    @property
    def provenance(self) -> str:
        """How the maps were made, in sentences."""
        view, shape, grid = self.view, self.shape, self.grid
        head = "the mean of the maps of all heads" if view.head == ALL_HEADS else f"head {view.head}"
        said = [f"The {view.budget} models, seed {view.seed}: layer {view.layer}, {head}.",
                f"Clip {view.clip} of seed {view.clip_seed}{PLAYED[view.order]}: {shape.frames} frames are {grid.T} "
                f"moments of {grid.Y} x {grid.X} patches, {shape.tubelet[0]} frames deep.",
                "The white line encloses the patches that the digit's ink touches."]
        if changed := altered_models(view, self.answers):
            said.append(f"Not as trained: {changed}.")
        return " ".join(said)

    def to_json(self) -> dict[str, Any]:
        """The state, the versions, and which weights these are; JSON can hold it."""
        files = {one.spec: {"file": f"{self.view.budget}/{one.file}", "sha256": one.card["sha256"]}
                 for one in self.answers}
        fields = self.view.to_fields() | {"query": list(self.place)}
        for name in TrainedView.settings()["look"].kind.without:  # type: ignore[attr-defined]
            del fields["look"][name]
        return versions() | {"trained": fields, "models": files}


def altered_models(view: TrainedView, answers: tuple[ModelAnswer, ...]) -> str:
    """What of the models is not as trained, in words; empty where all are."""
    return ", ".join(f"{one.title} ({name} {value:g})" for one in answers
                     for name, value in view.altered(one.spec).items())


def first_query(clip: Clip, shape: Shape) -> int:
    """The patch with most of the digit's ink in it; the middle one where the digit is never seen.

    >>> import torch
    >>> mask = torch.zeros(8, 36, 36, dtype=torch.bool)
    >>> mask[5, 12:18, 6:12] = True
    >>> clip = Clip.plain(torch.zeros(8, 3, 36, 36), "dark")
    >>> Shape().grid.place(first_query(replace(clip, mask=mask), Shape()))
    (2, 2, 1)
    """
    if clip.mask is None or not clip.mask.any():
        return len(shape.grid) // 2
    return int(F.avg_pool3d(clip.mask[None].float(), shape.tubelet).argmax())
