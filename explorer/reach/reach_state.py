"""The state of the page Who sees whom."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from linviz import Grid, clips
from linviz.settings import State, Whole, Word, setting
from linviz.views.state import MODELS

from ..shared.page_state import PageState
from .reach_schemes import ATTENTIONS, SCHEMES

LAYERS = {"none": "nothing", "left": "the scheme on the left", "right": "the scheme on the right"}
TRAINED = (*MODELS, "relu_floor+gate+shift")  # trained models whose rollouts are shown
PLACES = 144  # tokens of their clip
MOST = 1568  # tokens: softmax over all pairs answers at once up to here


@dataclass(frozen=True)
class ReachView(State):
    """A clip and its grid, two schemes, what attends in them, and the query's frame, row and column, from 1.

    rollout  the layers that are rolled out;  asked  the query in the clip of a trained model, whose grid is its own
    """

    renamed: ClassVar[Mapping[str, str]] = {"clip": "source"}

    source: str = setting(Word(lambda: tuple(clips.CLIPS)), "crossing", "Clip")
    frames: int = setting(Whole(2, 8), 6, "Frames")
    patches: int = setting(Whole(7, 28), 14, "Patches per side")
    left: str = setting(Word(*SCHEMES), "divided", "Scheme on the left")
    right: str = setting(Word(*SCHEMES), "shift_time", "Scheme on the right")
    attention: str = setting(Word(*ATTENTIONS), "softmax", "What attends in them")
    side: int = setting(Whole(2, 14), 4, "Window side, in patches")
    frame: int = setting(Whole(1, 8), 1, "Frame")
    row: int = setting(Whole(1, 28), 7, "Row")
    column: int = setting(Whole(1, 28), 11, "Column")
    rollout: str = setting(Word(*LAYERS, *TRAINED), "none", "Attention rollout through")
    asked: int = setting(Whole(1, PLACES), 65, "Patch of the model's clip")

    @property
    def grid(self) -> Grid:
        """The grid of patches."""
        return Grid(self.frames, self.patches, self.patches)

    @property
    def query(self) -> int:
        """The query's token number."""
        return self.grid.number(self.frame - 1, self.row - 1, self.column - 1)


def fitting_frames(frames: int, patches: int) -> int:
    """How many of `frames` frames fit with so many patches per side.

    >>> fitting_frames(8, 14), fitting_frames(8, 28)
    (8, 2)
    """
    return min(frames, MOST // patches**2)


class ReachState(PageState[ReachView]):
    """The page's state: no more frames than fit, and a query that lies on the grid."""

    def settle(self, state: ReachView) -> tuple[ReachView, list[str]]:
        said = []
        frames = fitting_frames(state.frames, state.patches)
        if frames < state.frames:
            said.append(f"{state.frames} frames of {state.patches} x {state.patches} patches are more than {MOST:,}: "
                        f"{frames} frames are shown.")
        inside = replace(state, frames=frames, frame=min(state.frame, frames), row=min(state.row, state.patches),
                         column=min(state.column, state.patches))
        moved = [name for name in ("frame", "row", "column") if getattr(inside, name) != getattr(state, name)]
        if any(getattr(state, name) != getattr(self.opening, name) for name in moved):  # the opening's is no wish
            said.append(f"The query was moved into the clip: frame {inside.frame}, row {inside.row}, column "
                        f"{inside.column}.")
        return inside, said


STATE = ReachState("reach", ReachView())
