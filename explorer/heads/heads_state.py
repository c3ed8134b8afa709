"""The state of the page Heads: a shipped model or a capture, which number stands under a head, and the query."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from linviz.capture.head_numbers import OF_MAPS, OF_ROWS
from linviz.clips.photographs import known_name
from linviz.settings import Kind, Refused, State, Word, setting
from linviz.views import SourceFile
from linviz.views.state_kinds import Place

from ..shared.capture_uploads import find_capture, newest_capture
from ..shared.page_state import PageState

SHIPPED = {  # name in a URL -> what it is called, the budget and the spec of the shipped model
    "motion-softmax": ("Motion: softmax", "long", "softmax"),
    "motion-relu_floor": ("Motion: relu + floor", "long", "relu_floor"),
    "motion-relu_floor+gate": ("Motion: relu + floor + gate", "long", "relu_floor+gate"),
    "painter-softmax": ("Painter: softmax", "painters", "softmax"),
    "painter-relu_floor": ("Painter: relu + floor", "painters", "relu_floor"),
    "painter-relu_floor+gate": ("Painter: relu + floor + gate", "painters", "relu_floor+gate")}
OWN = "own"     # in the widget: a capture that a person brings
AS_IT_IS = "none"
UNDER = (AS_IT_IS, "relu_floor", "relu", "linear", "cosformer", "focused", "mala", "uniform")


@dataclass(frozen=True)
class HeadSource(Kind):
    """A shipped model's name, or a capture; in a URL NAME@SHA256."""

    widget: ClassVar[str] = "source"

    def check(self, value: Any) -> str | SourceFile:
        if isinstance(value, SourceFile):
            return value
        try:
            return known_name(str(value)[:80], tuple(SHIPPED), "model")
        except ValueError as error:
            raise Refused(str(error)) from None

    def read(self, text: str) -> str | SourceFile:
        name, at, sha256 = text.replace(" ", "+").rpartition("@")
        return SourceFile(name, sha256) if at else self.check(text.replace(" ", "+"))

    def write(self, value: str | SourceFile) -> str:
        return f"{value.name}@{value.sha256}" if isinstance(value, SourceFile) else value


@dataclass(frozen=True)
class HeadsView(State):
    """Whose heads are shown, which number stands under each, in which order, and the query: None for the middle."""

    dependent: ClassVar[tuple[str, ...]] = ("query",)

    source: str | SourceFile = setting(HeadSource(), "motion-softmax", "Model")
    statistic: str = setting(Word(*OF_ROWS, *OF_MAPS), "entropy_share", "Number under a head")
    of: str = setting(Word("row", "all rows"), "row", "Number of", "the query's row, or the mean over all rows, which "
                      "is computed in the background; an effective rank is always one of the whole map")
    sort: str = setting(Word("layer", "largest", "smallest"), "layer", "Order of the heads", "by layer and head, or by "
                        "the number under them")
    under: str = setting(Word(*UNDER), AS_IT_IS, "Under another mechanism", "the same q, k and v under another "
                         "mechanism: what changes in every head, and what that costs the output")
    query: tuple[int, ...] | None = setting(Place(), None, "Query", "frame, row and column of the query, from 0")

    @property
    def whole(self) -> bool:
        """Whether the numbers are of all rows."""
        return self.of == "all rows" or self.statistic in OF_MAPS


class HeadsState(PageState[HeadsView]):
    """The page's state: a capture is one entry of the menu, and every model has its own query."""

    def go(self, parameters: Mapping[str, str]) -> None:
        parameters = dict(parameters)
        if waits := parameters.get("source") == OWN:
            del parameters["source"]
        super().go(parameters)
        if waits:
            self.put(source=OWN)

    def beside(self) -> dict[str, str]:
        """OWN while a capture is still to come."""
        waits = self.value("source") == OWN and isinstance(self.state.source, str)
        return {"source": OWN} if waits else {}

    def to_widgets(self, state: HeadsView) -> dict[str, Any]:
        own = {"source": OWN} if isinstance(state.source, SourceFile) else {}
        return super().to_widgets(state) | own

    def from_widgets(self, values: dict[str, Any], last: HeadsView) -> HeadsView:
        values = dict(values)
        if values.get("source") == OWN:
            values["source"] = self.own_source(last)
        found = super().from_widgets(values, last)
        return found if found.source == last.source else replace(found, query=None)

    def own_source(self, last: HeadsView) -> str | SourceFile:
        """The capture that is shown or awaited; without one the newest of this visit, or the model shown last."""
        newest = newest_capture()
        if isinstance(last.source, SourceFile) and (find_capture(last.source) or newest is None):
            return last.source
        return last.source if newest is None else newest.source


STATE = HeadsState("heads", HeadsView(), ("query",))
