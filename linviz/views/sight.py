"""What the printers of a view ask of it, whatever its maps come from: of a picture's tokens, or of trained models."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from ..clips import Clip
from ..grid import Grid
from ..maps import Map
from .look import Look


@runtime_checkable
class Lit(Protocol):
    """One panel: a map whose first head is drawn, its title and its family."""

    @property
    def title(self) -> str:
        """What stands over it."""

    @property
    def spec(self) -> str:
        """What tells it apart from the others."""

    @property
    def family(self) -> str:
        """Gives its colour."""

    @property
    def map(self) -> Map:
        """The table of weights."""

    @property
    def gate(self) -> dict[str, Any] | None:
        """Snapshots of a fit, where the look turns the gate."""


@runtime_checkable
class Sight(Protocol):
    """Panels over one picture, one patch that asks, and a look."""

    @property
    def clip(self) -> Clip:
        """Whose picture it is, and what is to be seen."""

    @property
    def picture(self) -> Clip:
        """The picture as it is drawn, a frame for each of the grid's."""

    @property
    def grid(self) -> Grid:
        """How it is cut into tokens."""

    @property
    def shown(self) -> Sequence[Lit]:
        """The panels."""

    @property
    def titles(self) -> Sequence[str]:
        """What to call each."""

    @property
    def heading(self) -> str:
        """What to see, in a line."""

    @property
    def made(self) -> str:
        """How the maps were made, in sentences."""

    @property
    def look(self) -> Look:
        """How it is looked at."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Frame, row and column of the patch that asks."""

    @property
    def query(self) -> int:
        """The same, as a token's number."""

    @property
    def frame(self) -> int:
        """The frame that is shown large."""

    @property
    def outline(self) -> Tensor | None:
        """Which tokens show the object, (N,) bool, where a line is drawn around them."""

    @property
    def turned(self) -> Sight:
        """The same with every gate at the strength that it is looked at with."""

    def walked(self, t: int) -> Sight:
        """The same, asked by the patch that the pinned one has become on frame t, where the look follows it."""

    def only(self, spec: str) -> Sight:
        """The same with one panel."""

    def told(self) -> dict[str, Any]:
        """The state, as a dictionary that JSON can hold."""
