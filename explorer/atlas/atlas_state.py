"""The state of the page Atlas, and the links from it to Concentrate."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import urlencode

from linviz import Grid, clips, names
from linviz.measured_cost import SIDES
from linviz.mechanisms import FAMILIES
from linviz.settings import State, Text, Whole, Word, Words, setting
from linviz.views import View
from linviz.views.panel_options import read_panel

from ..shared.page_state import PageState
from .mechanism_cards import SORTS, example_text

MOST = 400  # tokens: some thirty maps are sent at once, some of them as whole tables
VIEWS = {"cards": "Cards", "timeline": "Timeline", "line": "One line for four", "side": "Side by side",
         "cost": "Cost", "table": "Table"}
SIZES = tuple(str(side**2) for side in SIDES)  # numbers of patches at which cost is measured
PICKS = (2, 4)  # mechanisms side by side
THREE_WAYS = Word("any", "yes", "no")


@dataclass(frozen=True)
class AtlasView(State):
    """A picture and its grid, how the mechanisms are shown, which of them, in what order, and which are picked.

    card: the mechanism whose card is open, "" for none.
    costed, cost_tokens, cost_most, cost_width: of the view Cost: what is measured, the number of patches that is read,
        up to which it is measured, and the width of q, k and v.
    """

    renamed: ClassVar[Mapping[str, str]] = {"clip": "source"}

    view: str = setting(Word(*VIEWS), "cards", "Show as")
    sort: str = setting(Word(*SORTS), "family", "Sorted by")
    text: str = setting(Text(40), "", "Words in it")
    family: tuple[str, ...] = setting(Words(lambda: FAMILIES, len(FAMILIES)), (), "Families")
    signed: str = setting(THREE_WAYS, "any", "Signed or unnormalised")
    fixed: str = setting(THREE_WAYS, "any", "Fixed number of patches")
    causal: str = setting(THREE_WAYS, "any", "Causal form")
    source: str = setting(Word(clips.names), clips.OPENING.name, "Photograph or clip")
    patches: int = setting(Whole(8, 20), 16, "Patches per side")
    picked: tuple[str, ...] = setting(Words(names, PICKS[1]), (), "Side by side, two to four")
    card: str = setting(Word(lambda: ("", *names())), "", "Open the card of")
    costed: tuple[str, ...] = setting(Words(names, PICKS[1]), ("softmax", "linear"), "Measured, up to four")
    cost_tokens: str = setting(Word(*SIZES), "784", "Patches N")
    cost_most: str = setting(Word(*SIZES[2:]), "1600", "Measured up to N", "above, numbers are an estimate")
    cost_width: str = setting(Word("16", "32", "64"), "32", "Width of q, k and v")

    @property
    def grid(self) -> Grid:
        """The grid of patches; a clip has as many frames as fit, eight at most."""
        moving = self.source not in clips.PHOTOGRAPHS
        return Grid(max(2, min(8, MOST // self.patches**2)) if moving else 1, self.patches, self.patches)

    @property
    def scene(self) -> tuple[str, Grid, float]:
        """What the maps depend on: picture, grid, and the temperature with which this picture shows best."""
        return self.source, self.grid, clips.OPENINGS[self.source].temperature


def most_patches(source: str) -> int:
    """Patches per side at most: a clip needs room for two frames.

    >>> most_patches("chelsea"), most_patches("pan")
    (20, 14)
    """
    return int(AtlasView.limits("patches")["high"]) if source in clips.PHOTOGRAPHS else int((MOST / 2) ** 0.5)


class AtlasState(PageState[AtlasView]):
    """The page's state: a clip has fewer patches."""

    def settle(self, state: AtlasView) -> tuple[AtlasView, list[str]]:
        most = most_patches(state.source)
        if state.patches <= most:
            return state, []
        said = f"A clip is shown with at most {most} patches per side, not {state.patches}."
        return replace(state, patches=most), [said]


STATE = AtlasState("atlas", AtlasView())


def concentrate_link(picks: tuple[str, ...], source: str) -> str:
    """The address of Concentrate, seen from here, with these mechanisms on this picture; one alone gets a companion.

    >>> concentrate_link(("linear",), "coffee")
    './?source=coffee&specs=softmax%2Clinear'
    """
    if len(picks) < PICKS[0]:
        picks = ("softmax", *picks) if picks != ("softmax",) else ("softmax", "relu_floor")
    best = View.best(source)
    specs, options = zip(*(read_panel(example_text(name)) for name in picks))
    asked = best.with_values(specs=specs, options=options).to_parameters(best)
    return "./?" + urlencode(({} if source == View().source else {"source": source}) | asked)
