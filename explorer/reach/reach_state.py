"""What a visitor has chosen on the page Who sees whom."""
from __future__ import annotations

from dataclasses import dataclass, replace

from linviz import Grid, clips

from ..shared.address import Address, one_of, within
from .reach_schemes import ATTENTIONS, SCHEMES

MOST = 1568  # tokens: softmax over all pairs answers within a blink up to here
PATCHES, FRAMES, SIDES = (7, 28), (2, 8), (2, 14)


@dataclass(frozen=True)
class Choice:
    """A clip and its grid, two schemes, what attends in them, and the query's frame, row and column, from 1."""

    clip: str = "crossing"
    frames: int = 6
    patches: int = 14
    left: str = "divided"
    right: str = "shift_time"
    attention: str = "softmax"
    side: int = 4
    frame: int = 1
    row: int = 7
    column: int = 11

    @property
    def grid(self) -> Grid:
        """The grid of patches."""
        return Grid(self.frames, self.patches, self.patches)

    @property
    def query(self) -> int:
        """The query's token number."""
        return self.grid.number(self.frame - 1, self.row - 1, self.column - 1)


def fitting(frames: int, patches: int) -> int:
    """How many of `frames` frames fit at so many patches a side.

    >>> fitting(8, 14), fitting(8, 28)
    (8, 2)
    """
    return min(frames, MOST // patches**2)


def settle(choice: Choice) -> tuple[Choice, list[str]]:
    """The nearest choice that can be shown: no more frames than fit, and a query that lies on the grid."""
    said = []
    frames = fitting(choice.frames, choice.patches)
    if frames < choice.frames:
        said.append(f"{choice.frames} frames of {choice.patches} x {choice.patches} patches are more than {MOST:,}: "
                    f"{frames} frames are shown.")
    inside = replace(choice, frames=frames, frame=min(choice.frame, frames), row=min(choice.row, choice.patches),
                     column=min(choice.column, choice.patches))
    moved = [name for name in ("frame", "row", "column") if getattr(inside, name) != getattr(choice, name)]
    if any(getattr(choice, name) != getattr(Choice, name) for name in moved):  # nobody asked for the opening's
        said.append(f"The query was moved into the clip: frame {inside.frame}, row {inside.row}, column "
                    f"{inside.column}.")
    return inside, said


ADDRESS = Address("reach", Choice(), {
    "clip": one_of(*clips.CLIPS), "frames": within(*FRAMES), "patches": within(*PATCHES),
    "left": one_of(*SCHEMES), "right": one_of(*SCHEMES), "attention": one_of(*ATTENTIONS), "side": within(*SIDES),
    "frame": within(1, FRAMES[1]), "row": within(1, PATCHES[1]), "column": within(1, PATCHES[1])}, settle)
