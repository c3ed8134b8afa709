"""What the writers of files need of a view, whether its maps come from descriptors, tensors or trained models."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from ..clips import Clip
from ..grid import Grid
from ..maps import Map
from .state import Look


@runtime_checkable
class DrawablePanel(Protocol):
    """One panel: a map whose first head is drawn, its title, its spec and its family."""

    @property
    def title(self) -> str:
        """The text above the panel."""

    @property
    def key(self) -> str:
        """What tells it apart from the others: a spec and its options, or the name of a model."""

    @property
    def family(self) -> str:
        """The family of the mechanism, which gives the colour."""

    @property
    def map(self) -> Map:
        """The table of weights."""

    @property
    def gate(self) -> dict[str, Any] | None:
        """The snapshots of a gate's fit, where the look turns the gate."""


@runtime_checkable
class Drawable(Protocol):
    """Panels over one picture, one query, and a look."""

    @property
    def clip(self) -> Clip:
        """The clip, with its author and a description."""

    @property
    def picture(self) -> Clip:
        """The picture as it is drawn, with one frame per frame of the grid."""

    @property
    def grid(self) -> Grid:
        """How the picture is cut into tokens."""

    @property
    def panels(self) -> Sequence[DrawablePanel]:
        """The panels, with every gate at the strength of the look."""

    @property
    def titles(self) -> Sequence[str]:
        """What to call each panel."""

    @property
    def heading(self) -> str:
        """What the view shows, in one line."""

    @property
    def provenance(self) -> str:
        """How the maps were made, in sentences."""

    @property
    def look(self) -> Look:
        """How the view is drawn."""

    @property
    def place(self) -> tuple[int, int, int]:
        """Frame, row and column of the query."""

    @property
    def query(self) -> int:
        """The query's token number."""

    @property
    def frame(self) -> int:
        """The frame that is shown large."""

    @property
    def outline(self) -> Tensor | None:
        """Which tokens show the object, (N,) bool, where a line is drawn around them."""

    def at_frame(self, t: int) -> Drawable:
        """The same view; where the look follows the motion, the query is where its patch has moved on frame t."""

    def only(self, key: str) -> Drawable:
        """The same with one panel."""

    def to_json(self) -> dict[str, Any]:
        """The state, as a dictionary that JSON can hold."""
