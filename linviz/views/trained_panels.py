"""A view of trained models that is open: the clip as its tokens see it, the models' answers, and their maps."""
from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from torch import Tensor

from ..clips import Clip
from ..grid import Grid
from ..maps import Dense, Map
from ..models import Shape, Traced
from ..models.checkpoints import file_slug
from ..patch_view import Panel
from .row_stats import distinct_titles
from .state import ALL_HEADS, Look, TrainedView
from .trained_maps import first_query, head_map, moment_pictures
from .writer_versions import versions

PLAYED = {"normal": "", "reversed": ", played backwards", "shuffled": ", its frames in a random order"}


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
        """The family of its attention; "hybrid" where layers are of different families."""
        families = {layer.attention.family for layer in self.layers}
        return families.pop() if len(families) == 1 else "hybrid"

    def layer_title(self, layer: int) -> str:
        """What to call a layer, counted from 1: as the model; in a hybrid as its own mechanism."""
        if "/" not in self.spec:
            return self.title
        return f"{self.layers[layer - 1].attention.title}: layer {layer} of {self.title}"

    @property
    def likeliest(self) -> int:
        """The number of the class that the model finds likeliest."""
        return int(self.shares.argmax())

    @property
    def file(self) -> str:
        """The name of its weights, beside the others of its budget."""
        return f"{file_slug(self.spec)}.{self.card['seed']}.safetensors"


@dataclass(frozen=True, eq=False)
class ModelPanel:
    """What is drawn of one model: the map of one layer and head."""

    answer: ModelAnswer
    layer: int
    head: str
    gate = None  # the strength of a gate belongs to the whole model, not to one map

    @property
    def title(self) -> str:
        """What the model is called, and in a hybrid the layer."""
        return self.answer.layer_title(self.layer)

    @property
    def spec(self) -> str:
        """The model's name."""
        return self.answer.spec

    key = spec  # tells the panel apart from every other

    @property
    def family(self) -> str:
        """The family of the layer's attention."""
        return self.traced.attention.family

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
    """What a view of trained models shows.

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

    keys = grid  # every token is a query and a key

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
        return distinct_titles([one.title for one in self.panels], [one.spec for one in self.panels])

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
        shown = {name for name, one in TrainedView.flat_settings().items() if one.inside == "look"}
        fields["look"] = {name: x for name, x in fields["look"].items() if name in shown}
        return versions() | {"trained": fields, "models": files}


def altered_models(view: TrainedView, answers: tuple[ModelAnswer, ...]) -> str:
    """What of the models is not as trained, in words; empty where all are."""
    return ", ".join(f"{one.title} ({name} {value:g})" for one in answers
                     for name, value in view.altered(one.spec).items())
