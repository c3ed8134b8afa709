"""The state of the page Claims: a picture, its patches, and the temperature of the scores."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linviz import clips
from linviz.settings import Number, Refused, State, Whole, setting
from linviz.views import SourceFile, View
from linviz.views.state_kinds import Source

from ..shared.page_state import PageState
from ..shared.picture_uploads import PictureUploads

OWN = "own"
FIRST = "Of a clip it is the first frame."
PICTURES = PictureUploads("claims", FIRST)


@dataclass(frozen=True)
class PictureSource(Source):
    """The name of a sample photograph, or a person's own file."""

    def check(self, value: Any) -> str | SourceFile:
        found = super().check(value)
        if isinstance(found, str) and found not in clips.PHOTOGRAPHS:
            raise Refused(f"{found} is a clip; this page tries photographs: {', '.join(clips.PHOTOGRAPHS)}")
        return found


@dataclass(frozen=True)
class ClaimsView(State):
    """The picture on which the statements are tried."""

    source: str | SourceFile = setting(PictureSource(), "chelsea", "Picture")
    patches: int = setting(Whole(7, 28), 14, "Patches per side", "patches along the longer side; every patch attends")
    temperature: float = setting(
        Number(0.01, 100.0, log=True), View("chelsea").temperature, "Temperature",
        "every logit of q and k is divided by it: below 1 softmax is sharper, above 1 flatter")


class ClaimsState(PageState[ClaimsView]):
    """The page's state: a person's own file is one entry of the menu."""

    def settle(self, state: ClaimsView) -> tuple[ClaimsView, list[str]]:
        if isinstance(state.source, SourceFile):
            PICTURES.choose(state.source)
        return state, []

    def to_widgets(self, state: ClaimsView) -> dict[str, Any]:
        own = {"source": OWN} if isinstance(state.source, SourceFile) else {}
        return super().to_widgets(state) | own

    def from_widgets(self, values: dict[str, Any], last: ClaimsView) -> ClaimsView:
        """The file itself is no widget's: its entry stands for the one that is shown or awaited."""
        if values.get("source") == OWN:
            values = values | {"source": PICTURES.current() or last.source}
        return super().from_widgets(values, last)


STATE = ClaimsState("claims", ClaimsView())
