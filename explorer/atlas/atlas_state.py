"""What a visitor has chosen on the page Atlas, and the links from it to Concentrate."""
from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from linviz import Grid, clips, names
from linviz.mechanisms import FAMILIES

from ..concentrate import choice as concentrate
from ..concentrate.link import to_address
from ..shared.address import Address, Reader, one_of, some_of, within
from .atlas_cards import SORTS

MOST = 400  # tokens: some thirty maps are sent at once, some of them as whole tables
PATCHES = (8, 20)
VIEWS = {"cards": "Cards", "side": "Side by side", "table": "Table"}
PICKS = (2, 4)
THREE_WAYS = ("any", "yes", "no")


@dataclass(frozen=True)
class Choice:
    """A picture and its grid, how the mechanisms are shown, which of them, in what order, and which are picked."""

    view: str = "cards"
    sort: str = "family"
    text: str = ""
    family: tuple[str, ...] = ()
    signed: str = "any"
    fixed: str = "any"
    causal: str = "any"
    clip: str = clips.OPENING.name
    patches: int = 16
    picked: tuple[str, ...] = ()

    @property
    def grid(self) -> Grid:
        """The grid of patches; a clip has as many frames as fit, eight at most."""
        moving = self.clip not in clips.PHOTOGRAPHS
        return Grid(max(2, min(8, MOST // self.patches**2)) if moving else 1, self.patches, self.patches)

    @property
    def scene(self) -> tuple[str, Grid, float]:
        """What the maps depend on: picture, grid, and the temperature with which this picture shows best."""
        return self.clip, self.grid, clips.OPENINGS[self.clip].temperature


def most_patches(clip: str) -> int:
    """Patches per side at most: a clip needs room for two frames.

    >>> most_patches("chelsea"), most_patches("pan")
    (20, 14)
    """
    return PATCHES[1] if clip in clips.PHOTOGRAPHS else int((MOST / 2) ** 0.5)


def settle(choice: Choice) -> tuple[Choice, list[str]]:
    """The nearest choice that can be shown."""
    most = most_patches(choice.clip)
    if choice.patches <= most:
        return choice, []
    return replace(choice, patches=most), [f"A clip is shown with at most {most} patches a side, not {choice.patches}."]


def _text(longest: int) -> Reader:
    def read(text: str) -> str:
        if len(text) > longest:
            raise ValueError(f"it takes at most {longest} letters")
        return text
    return read


LONGEST = 40
ADDRESS = Address("atlas", Choice(), {
    "view": one_of(*VIEWS), "sort": one_of(*SORTS), "text": _text(LONGEST), "family": some_of(*FAMILIES),
    "signed": one_of(*THREE_WAYS), "fixed": one_of(*THREE_WAYS), "causal": one_of(*THREE_WAYS),
    "clip": one_of(*clips.names()), "patches": within(*PATCHES), "picked": some_of(*names(), most=PICKS[1])}, settle)


def link(picks: tuple[str, ...], clip: str) -> str:
    """The address of Concentrate, seen from here, with these mechanisms on this picture; one alone gets a companion.

    >>> link(("linear",), "coffee")
    './?clip=coffee&maps=softmax%2Clinear'
    """
    if len(picks) < concentrate.MAPS[0]:
        picks = ("softmax", *picks) if picks != ("softmax",) else ("softmax", "relu_floor")
    there = concentrate.Choice(clip=clip, maps=picks, **concentrate.good(clip))
    return "./?" + urlencode(to_address(there))
