"""What a view is, once for all hosts: the URL, a saved file, the command line, a notebook, JavaScript and the pages.

Every field is declared once, with its limits, its label and its help text. A `View` decides what is measured; its
`Look` decides how it is drawn. `TrainedView` is the same for small trained models. As JSON a state stands beside the
versions that wrote it:

    {"linviz": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6", "view": {"source": "chelsea", "patches": 28, ...}}
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..settings import Nested, Number, State, Switch, Whole, Word, setting
from .panel_options import PanelOptions, TypedOptions, read_options
from .state_kinds import ModelNames, Pair, Pins, Place, Source, SourceFile, Specs
from .writer_versions import WRITERS, named_writer, versions

SPECS = ("softmax", "relu_floor", "relu_floor+gate")
MODELS = ("softmax", "relu_floor", "relu_floor+gate", "relu")
CAPS = {"page": 3136, "file": 12_544}  # tokens per host: a browser follows the pointer; a file may take longer
STRENGTHS = ("strength", "fading", "erasing")  # the fields of a look that change numbers
OWN_PATCHES, OWN_CLIP_PATCHES = 28, 16  # of a person's own picture and clip at first
ALL_HEADS = "all"


@dataclass(frozen=True)
class Look(State):
    """How a view is drawn: the state of the controls inside the view. Only STRENGTHS change the numbers.

    >>> Look(mode="heat").mode, Look().strength
    ('heat', 1.0)
    """
    optional: ClassVar[tuple[str, ...]] = ("fading", "erasing", "pins")
    mode: str = setting(Word("light", "heat", "difference"), "light", "Drawn as",
                        "light, heat, or difference (every map minus the first)")
    tone: str = setting(Word("root", "linear", "log"), "root", "Brightness",
                        "brightness grows with the root of the weight, with the weight itself, or with its logarithm")
    strength: float = setting(Number(0.0, 1.0), 1.0, "Strength of the gates",
                              "0 switches every gate off, 1 is the gate as it was fitted")
    own: bool = setting(Switch(), False, "Own exposure", "every map has its own exposure instead of a common one")
    share: float = setting(Number(0.0, 0.95), 0.0, "Share inside the line",
                           "a line encloses the fewest patches that hold this share of the attention")
    follow: bool = setting(Switch(), False, "Follow the motion",
                           "the query goes with its patch from frame to frame, where the motion is known")
    frame: int | None = setting(Whole(0, none=True), None, "Frame",
                                "the frame that is shown large, counted from 0; default: the query's own")
    projector: bool = setting(Switch(), False, "Projector", "for a room: bright pictures, large type, no sidebar")
    fading: float = setting(Number(0.0, 2.0), 1.0, "Strength of fading",
                            "of memories: at 0 nothing fades, 1 is as the mechanism does, 2 fades in half the time")
    erasing: float = setting(Number(0.0, 1.0), 1.0, "Strength of erasing", "of memories: 0 only adds to what is known "
                             "of a key, 1 takes it off first")
    pins: tuple[tuple[int, int, int], ...] = setting(Pins(3), (), "Pinned patches", "shown beside the query, as r5c12")

    def as_words(self, frames: int) -> dict[str, Any]:
        """The keyword arguments with which `linviz.patch_view.pack` opens a view like this on `frames` frames.

        >>> Look(frame=9).as_words(8)["frame"] is None
        True
        """
        there = self.frame is not None and self.frame < frames
        return self.to_fields() | {"frame": self.frame if there else None}


def _opening_temperature() -> float:
    from ..clips import OPENING
    return OPENING.temperature


@dataclass(frozen=True)
class View(State):
    """Everything that decides what a view shows. ValueError, in one sentence, for a value that is wrong.

    source   a sample's name (`linviz.clips.names()`), or a `SourceFile`: its bytes are given when it is opened
    query    frame, row, column of the pinned patch, from 0; None: the clip's own
    options  one dictionary per panel, in the order of `specs`: what a mechanism declares in its own `settings`

    >>> View("coffee", patches=14, specs=("softmax", "relu_floor+gate:qkv")).specs
    ('softmax', 'relu_floor+gate')
    """
    renamed: ClassVar[Mapping[str, str]] = (dict.fromkeys(("clip", "file", "sha256"), "source")
                                            | dict.fromkeys(("maps", "spec", "sees", "shared", "shift"), "specs"))
    dependent: ClassVar[tuple[str, ...]] = ("query", "options", "compare")
    optional: ClassVar[tuple[str, ...]] = ("options", "compare", "layout", "keys", "layer")

    source: str | SourceFile = setting(Source(), "chelsea", "Photograph or clip", "a sample's name, or your own file")
    patches: int = setting(Whole(1, 112), 28, "Patches per side", "patches along the longer side; every patch attends")
    frames: int = setting(Whole(1, 32), 8, "Frames", "frames of a clip at most, evenly spaced in time")
    temperature: float = setting(
        Number(0.01, 100.0, log=True), label="Temperature", factory=_opening_temperature,
        help="every logit of q and k is divided by it: below 1 softmax is sharper, above 1 flatter. relu, focused and "
        "cosformer stay as they are, since the length of a query cancels; Performer gets flatter below 1")
    specs: tuple[str, ...] = setting(Specs(1, 8), SPECS, "Mechanisms side by side",
                                     "one to eight, as in softmax or relu_floor+gate:qk", "--mechanism", "--mechanisms")
    options: tuple[Any, ...] = setting(
        PanelOptions(), (), "Options", "of a mechanism, by the number of its panel from 0, as in 1:directions=64",
        "--option")
    causal: bool = setting(Switch(), False, "Causal", "no patch sees a patch that comes after it: patches are counted "
                           "frame by frame and row by row")
    steps: int = setting(Whole(1, 10_000), 300, "Steps of a fit", "steps with which a gate is fitted to softmax")
    seed: int = setting(Whole(0, 2**32 - 1), 0, "Seed", "seed of a gate's fit")
    query: tuple[int, ...] | None = setting(Place(), None, "Query", "frame, row and column of the query, from 0; the "
                                            "frame of a photograph may be left out")
    head: int = setting(Whole(0, 256), 1, "Head", "of several heads, counted from 1; 0 is the mean of all their maps")
    look: Look = setting(Nested(Look), Look())
    compare: tuple[int, int] | None = setting(
        Pair(), None, "Where two differ", "two panels whose divergence is shown, by their numbers from 0, as in 0,1")
    layout: str = setting(Word("auto", "BHND", "BNHD"), "auto", "Layout of q, k and v", "of tensors: heads before "
                          "tokens (BHND) or tokens before heads (BNHD); auto recognises it by the grid")
    keys: str = setting(Word("own", "around"), "own", "Keys describe", "own: the patch itself, so q and k are equal; "
                        "around: the mean of the patches around it. Memories that erase show little with equal q and k")
    layer: int = setting(Whole(1, 1000), 1, "Layer", "of a capture, counted from 1")

    def check_together(self) -> None:
        object.__setattr__(self, "options", read_options(self.specs, self.options))
        panels = self.panels
        if len(set(panels)) < len(panels):
            raise ValueError(f"a view shows each mechanism once; got {', '.join(self.specs)}")
        if isinstance(self.source, str) and self.query is not None and len(self.query) == 3:
            self._check_query(self.query)
        if self.compare is not None and max(self.compare) >= len(self.specs):
            pair = ",".join(map(str, self.compare))
            raise ValueError(f"compare takes two panels from 0 to {len(panels) - 1}; got {pair}")

    def _check_query(self, query: tuple[int, ...]) -> None:
        sizes = (1 if self.still else self.frames, self.patches, self.patches)
        for name, at, size in zip(("frame", "row", "column"), query, sizes):
            if at >= size:
                raise ValueError(f"the query's {name} takes a whole number from 0 to {size - 1}; got {at}")

    def with_values(self, **values: Any) -> View:
        """The same view with other values; other mechanisms begin without options, another grid with its own query."""
        if "specs" in values:
            values = {"options": (), "compare": None} | values
        if {"source", "patches", "frames"} & values.keys():
            values = dict[str, Any](query=None, pins=()) | values
        if isinstance(values.get("options"), TypedOptions):
            values = values | {"options": read_options(values.get("specs", self.specs), values["options"])}
        return super().with_values(**values)

    def to_parameters(self, base: State) -> dict[str, str]:
        """The parameters of a URL for this view: options stand beside the mechanisms to which they belong.

        >>> View(specs=("performer",), options=({"directions": 8},)).to_parameters(View())
        {'specs': 'performer', 'options': '0:directions=8'}
        """
        found = {name: text for name, text in super().to_parameters(base).items() if name != "options"}
        text, before = (PanelOptions().write(one.flat_value("options")) for one in (self, base))
        assumed = before if self.specs == base.flat_value("specs") else ""
        return found | ({"options": text} if text != assumed else {})

    @classmethod
    def best(cls, sample: str, **chosen: Any) -> View:
        """The view in which a sample shows best, except for what was `chosen` (fields of the look, too).

        >>> View.best("digit").patches, View.best("digit", patches=7).query
        (14, None)
        """
        from .. import clips
        best = clips.OPENINGS[clips.known_name(sample, clips.names(), "photograph or clip")]
        fresh = {"patches", "frames"} & chosen.keys()
        shows = {"patches": best.grid.Y, "temperature": best.temperature, "query": None if fresh else (0, *best.place)}
        frames = {"frames": best.grid.T} if best.grid.T > 1 else {}
        return cls(sample).with_values(**(shows | frames | chosen))

    @property
    def panels(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Spec and options of every panel."""
        return list(zip(self.specs, self.options))

    @property
    def still(self) -> bool:
        """Whether the view is known to show a photograph: a person's own file is known when it is opened."""
        from .. import clips
        return self.source in clips.PHOTOGRAPHS

    def to_json(self) -> dict[str, Any]:
        """The view as a dictionary that JSON can hold, with the versions that wrote it.

        >>> View.from_json(View("coffee").to_json()) == View("coffee")
        True
        """
        return versions() | {"view": self.to_fields()}

    @classmethod
    def from_json(cls, found: Any) -> View:
        """The view of a dictionary that `to_json` made; ValueError, in one sentence, for any other.

        >>> View.from_json({"linviz": "9.0.0", "torch": "3", "numpy": "3", "view": {}, "colour": "blue"})
        Traceback (most recent call last):
        ValueError: a view's state has no 'colour' (written by linviz 9.0.0, this is 0.1.0)
        """
        wanted = {*WRITERS, "view"}
        if not isinstance(found, Mapping):
            raise ValueError(f"a view's state is a dictionary with {', '.join(sorted(wanted))}; got {found!r:.80}")
        writer = named_writer(found)
        if unknown := [name for name in found if name not in wanted]:
            raise ValueError(f"a view's state has no {unknown[0]!r:.80}{writer}")
        if missing := sorted(wanted - found.keys()):
            raise ValueError(f"a view's state needs {', '.join(missing)}{writer}")
        try:
            return cls.from_fields(found["view"])
        except ValueError as error:
            raise ValueError(f"{error}{writer}") from None


@dataclass(frozen=True)
class TrainedView(State):
    """Everything that decides what a view of small trained models shows.

    specs                   names of models: a spec, one for each layer (a/b/c), perhaps a variant: relu_floor~wide
    budget, seed            of their training: `linviz.models.pretrained(name, seed, budget)`
    layer, head             of which the maps are drawn, from 1; "all" heads: the mean of their maps
    clip_seed, clip, order  which clip of the motion task, from 0, and in which order its frames are played
    temperature, strength   of the softmax models and of the gates, in all layers; 1 is as trained
    """

    renamed: ClassVar[Mapping[str, str]] = {"arms": "specs"}
    dependent: ClassVar[tuple[str, ...]] = ("query",)

    specs: tuple[str, ...] = setting(ModelNames(2, 4), MODELS, "Models side by side", "two to four trained models")
    budget: str = setting(Word("long", "short", "fine"), "long", "Trained", "how long the models were trained")
    seed: int = setting(Whole(0, 9999), 0, "Seed of the training", "")
    layer: int = setting(Whole(1, 3), 2, "Layer", "counted from 1")
    head: str = setting(Word(ALL_HEADS, "1", "2", "3"), ALL_HEADS, "Head", "or the mean of the maps of all heads")
    clip_seed: int = setting(Whole(0, 9999), 0, "Seed of the clips", "")
    clip: int = setting(Whole(0, 9999), 0, "Clip", "its number among the clips of this seed, from 0")
    order: str = setting(Word("normal", "reversed", "shuffled"), "normal", "Frames played", "")
    temperature: float = setting(Number(0.25, 4.0, step=0.05), 1.0, "Temperature of softmax", "q is divided by it in "
                                 "every layer. 1 is as trained; below 1 attention is sharper.")
    strength: float = setting(
        Number(0.0, 1.0, step=0.05), 1.0, "Strength of the gates",
        "The gate's logits are multiplied by it in every layer. 1 is as trained; at 0 the gate is constant, and the "
        "map is that of the same model without it.")
    query: tuple[int, ...] | None = setting(Place(), None, "Query", "frame, row and column, from 0")
    look: Look = setting(Nested(Look, without=(*STRENGTHS, "follow")), Look(mode="heat"))

    def altered(self, name: str) -> dict[str, float]:
        """What is done to one of the models: its temperature and the strength of its gate, where they are not 1.

        >>> view = TrainedView(temperature=0.5, strength=0.3)
        >>> view.altered("softmax"), view.altered("relu_floor+gate~wide"), view.altered("relu")
        ({'temperature': 0.5}, {'strength': 0.3}, {})
        """
        from ..mechanisms import parse
        layers = [parse(part) for part in name.partition("~")[0].split("/")]
        found = {"temperature": self.temperature} if any(one.name == "softmax" for one in layers) else {}
        found |= {"strength": self.strength} if any(one.gate for one in layers) else {}
        return {part: value for part, value in found.items() if value != 1}
