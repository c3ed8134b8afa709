"""Whose heads the page shows: a shipped model asked about one sample, or a capture that a visitor brought."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from linviz import clips
from linviz.capture import Capture, CapturedLayer
from linviz.capture.head_numbers import Numbers, query_rows, row_numbers
from linviz.capture.traced_layers import traced_capture
from linviz.clips.colour_samples import colour_photograph
from linviz.models.checkpoints import pretrained
from linviz.views import SourceFile, TrainedView, View
from linviz.views.capture_source import why_no_view
from linviz.views.export.capture_page import Sides, common_sides, middle_place, pictures_content, shown_layers
from linviz.views.load_trained import motion_clip
from linviz.views.state_kinds import Source
from linviz.views.trained_maps import moment_pictures

from ..shared.background_jobs import ResultCache
from ..shared.capture_uploads import find_capture
from .heads_state import SHIPPED

PAINTED = "flower"  # the photograph that the painters are asked about


@dataclass(frozen=True, eq=False)
class ShownHeads:
    """A model whose heads are shown.

    key  tells it apart;  title  what it is called;  told  what it looks at, in a sentence
    results  where all is kept that is computed of it
    """

    key: str | SourceFile
    title: str
    told: str
    capture: Capture
    results: ResultCache

    @cached_property
    def sides(self) -> Sides:
        """Frames, rows and columns of patches."""
        return common_sides(self.capture)

    @cached_property
    def layers(self) -> dict[int, CapturedLayer]:
        """The layers that are shown, by their number from 1."""
        return shown_layers(self.capture)

    @property
    def pictures(self) -> dict[str, Any]:
        """What lies under the heads."""
        return self.results.keep("pictures", lambda: pictures_content(self.capture, self.sides))

    def patch(self, place: tuple[int, ...] | None) -> int:
        """The number of the patch at a frame, row and column; the middle one where there is no such patch."""
        T, Y, X = self.sides
        if place is None or len(place) != 3 or not all(n < size for n, size in zip(place, self.sides)):
            return middle_place(self.sides)
        return (place[0] * Y + place[1]) * X + place[2]

    def place(self, patch: int) -> tuple[int, int, int]:
        """Frame, row and column of a patch."""
        _, Y, X = self.sides
        return patch // (Y * X), patch // X % Y, patch % X

    def rows_of(self, patch: int) -> dict[int, tuple[Any, Numbers]]:
        """Of every shown layer the row of a patch in each head, (H, S), and its numbers."""
        def make() -> dict[int, tuple[Any, Numbers]]:
            made = {}
            for n, layer in self.layers.items():
                token = patch + layer.grid.prefix
                rows = query_rows(layer, token)
                made[n] = rows, row_numbers(layer, rows, token)
            return made
        return self.results.keep(("rows", patch), make)

    def head_link(self, number: int, head: int, patch: int) -> tuple[str, dict[str, str]]:
        """The page that shows one head large, and the parameters of its address; no page where none shows it."""
        page, parameters = self.layer_link(number, patch)
        return page, parameters | {"head": str(head)} if page else {}

    def layer_link(self, number: int, patch: int) -> tuple[str, dict[str, str]]:
        """The page that shows the heads of a layer, and the parameters of its address, but for the head."""
        place = self.place(patch)
        if isinstance(self.key, SourceFile):
            return self._concentrate_link(number, place)
        _, budget, spec = SHIPPED[self.key]
        if budget == "painters":
            return "colours", {"layer": str(number)}
        pair = ("softmax", "relu_floor" if spec == "softmax" else spec)
        view = TrainedView().with_values(specs=pair, layer=number, query=place)
        return "trained", view.to_parameters(TrainedView())

    def _concentrate_link(self, number: int, place: tuple[int, int, int]) -> tuple[str, dict[str, str]]:
        layer, source = self.layers[number], self.key
        assert isinstance(source, SourceFile)
        if why_no_view(layer):
            return "", {}
        scope = "" if layer.scope == "joint" else f"@{layer.scope}"
        view = View(source).with_values(specs=(f"softmax{scope}", f"relu_floor{scope}"), causal=layer.causal,
                                        temperature=1.0, layer=number, query=place)
        return "concentrate", {"source": Source().write(source)} | view.to_parameters(View(source))


def head_address(page: str, parameters: Mapping[str, str]) -> str:
    """The address of a head's page as seen from this one.

    >>> head_address("trained", {"layer": "3"}), head_address("concentrate", {"head": "2"}), head_address("", {})
    ('./trained?layer=3', './?head=2', '')
    """
    return f"./{'' if page == 'concentrate' else page}?{urlencode(parameters)}" if page else ""


def shown_heads(source: str | SourceFile) -> ShownHeads | None:
    """The heads of a source; None while its file is awaited."""
    if isinstance(source, str):
        return shipped_heads(source)
    file = find_capture(source)
    if file is None:
        return None
    return ShownHeads(source, f"{file.capture.model} in {source.name}", "It looks at what it was captured on.",
                      file.capture, file.results)


@lru_cache(maxsize=len(SHIPPED))
def shipped_heads(name: str) -> ShownHeads:
    """A shipped model asked about one sample, kept for everybody."""
    title, budget, spec = SHIPPED[name]
    model = pretrained(spec, 0, budget)
    if budget == "painters":
        hinted = clips.hinted_picture(colour_photograph(PAINTED), share=0.15)
        seen, frames = hinted.frames, hinted.hinted_pictures
        told = "It looks at a grey dahlia in which some patches have their colour."
    else:
        task = motion_clip("main", 0, 0, "normal")
        seen, frames = task.frames, moment_pictures(task.clip(0).frames, model.shape.tubelet[0])
        told = "It looks at the clip with which the page Trained opens."
    return ShownHeads(name, title, told, traced_capture(title, model.trace(seen), model.grid, frames),
                      ResultCache(most=64))
