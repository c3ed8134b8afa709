"""The state of the page Colours: picture, hints, arms, and what is asked of their maps."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from linviz.settings import Number, Refused, State, Switch, Whole, Word, Words, setting
from linviz.views import SourceFile

from ..shared.page_state import PageState
from .colour_kinds import SIDE, ColourSource, PinnedPatches, SpotText
from .colour_pictures import PICTURES

OWN, MEAN = "own", "mean"
HYBRID = "relu_floor/softmax/relu_floor"
ARMS = {  # name of a shipped model: what the page calls it
    "softmax": "softmax", HYBRID: "floor/softmax/floor", "relu_floor": "relu_floor",
    "relu_floor+gate": "relu_floor + gate", "relu": "relu"}
FEWEST, MOST_ARMS = 2, 4
LIVE = ("seed", "hints", "pins", "projector")


def patch_at(row: int, column: int) -> int:
    """The number of a patch; rows and columns are counted from 1.

    >>> patch_at(1, 1), patch_at(2, 3)
    (0, 30)
    """
    return (row - 1) * SIDE + column - 1


def _pins(*places: tuple[int, int]) -> tuple[int, ...]:
    return tuple(patch_at(row, column) for row, column in places)


USUAL = _pins((7, 7), (7, 22), (14, 14), (22, 7), (22, 22), (25, 14))
PINS = {  # patches in parts of different colours
    "flower": _pins((8, 14), (15, 8), (15, 14), (4, 3), (14, 25), (27, 18)),
    "chelsea": _pins((11, 9), (12, 23), (23, 19), (15, 16), (4, 14), (26, 3)),
    "rocket": _pins((4, 5), (10, 24), (15, 15), (25, 4), (26, 22), (27, 13)),
    "coffee": _pins((9, 14), (4, 12), (14, 3), (20, 9), (22, 19), (3, 26)),
    "astronaut": _pins((16, 6), (9, 13), (5, 13), (4, 3), (8, 19), (19, 22))}


@dataclass(frozen=True)
class ColourView(State):
    """A picture, its hints (drawn by seed and share, or painted), the arms, and layer, head and patches to ask."""

    source: str | SourceFile = setting(ColourSource(), "flower", "Picture")
    share: float = setting(Number(0.01, 0.5, step=0.01), 0.05, "Share of patches that are hints",
                           "hints are drawn at random; 0.05 are about forty spots")
    seed: int = setting(Whole(0, 9999), 2, "Draw of the hints")
    hints: str = setting(SpotText(), "", "Painted hints")
    arms: tuple[str, ...] = setting(Words(lambda: tuple(ARMS), MOST_ARMS),
                                    ("softmax", HYBRID, "relu_floor", "relu_floor+gate"), "Arms side by side")
    layer: int = setting(Whole(1, 3), 2, "Layer of the maps", "the second layer is the best one to look at")
    head: str = setting(Word(MEAN, "1", "2", "3"), MEAN, "Head of the maps", "heads of two arms have nothing in common")
    pins: tuple[int, ...] = setting(PinnedPatches(), PINS["flower"], "Pinned patches")
    projector: bool = setting(Switch(), False, "Projector")

    @property
    def head_number(self) -> int | None:
        """The head, counted from 0; None for the mean of all."""
        return None if self.head == MEAN else int(self.head) - 1


def own_pins(source: Any) -> tuple[int, ...]:
    """The patches that are pinned where nothing else is asked for."""
    return PINS.get(source, USUAL) if isinstance(source, str) else USUAL


class ColoursState(PageState[ColourView]):
    """The page's state: a person's own file is one entry of the menu, and every picture has its own pins."""

    def base(self, parameters: Mapping[str, str]) -> ColourView:
        try:
            source = ColourSource().read(parameters.get("source", "flower"))
        except Refused:
            return self.opening
        return replace(self.opening, source=source, pins=own_pins(source))

    def settle(self, state: ColourView) -> tuple[ColourView, list[str]]:
        if isinstance(state.source, SourceFile):
            PICTURES.choose(state.source)
        arms = enough_arms(state.arms)
        said = [f"Two arms or more stand side by side: {ARMS[arms[-1]]} is added."] if arms != state.arms else []
        return replace(state, arms=arms), said

    def to_widgets(self, state: ColourView) -> dict[str, Any]:
        own = {"source": OWN} if isinstance(state.source, SourceFile) else {}
        return super().to_widgets(state) | own

    def from_widgets(self, values: dict[str, Any], last: ColourView) -> ColourView:
        """Another picture begins with its own pins and with hints at random; the file itself is no widget's."""
        values = dict(values)
        if values.get("source") == OWN:
            values["source"] = last.source
        arms = tuple(values.pop("arms", last.arms))
        found = super().from_widgets(values | {"arms": enough_arms(arms)}, last)
        if found.source != last.source:
            return replace(found, pins=own_pins(found.source), hints="")
        return found if found.share == last.share else replace(found, hints="")

    def beside(self) -> dict[str, str]:
        """The picture, on which depends what the rest of an address leaves out."""
        source = self.state.source
        return {} if source == self.opening.source else {"source": ColourSource().write(source)}

    def change(self, **values: Any) -> None:
        """Set fields that have no widget, in a callback; ValueError where a value is wrong.

        A quick hand is ahead of the address that its browser sends: that one is late, and nobody has gone back.
        """
        self.history.forget()
        st.session_state[self.page] = self.state.with_values(**values)

    def show_file(self, source: SourceFile | None) -> None:
        """A person's own picture is shown; of another than the last with its own pins, and hints at random."""
        if source is not None and source != self.state.source:
            self.change(source=source, pins=own_pins(source), hints="")


def enough_arms(arms: tuple[str, ...]) -> tuple[str, ...]:
    """At least two arms: others stand beside one until more are chosen.

    >>> enough_arms(("relu",)), enough_arms(("relu", "softmax"))
    (('relu', 'softmax'), ('relu', 'softmax'))
    """
    others = [name for name in ARMS if name not in arms]
    return (*arms, *others[:max(0, FEWEST - len(arms))])


STATE = ColoursState("colours", ColourView(), LIVE)
