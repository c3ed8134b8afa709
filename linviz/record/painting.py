"""A frame under the attention of the pinned patch, painted as the live view paints it and as its look has it."""
from __future__ import annotations

from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from ..concentration import fewest, frame_mass
from ..view.blob import FULL, picture
from ..view.still import is_signed, painted
from . import seen
from .opening import Opened, Shown
from .sheet import Item, Lines, Picture

WIDE = 320  # pixels: a panel's picture


def under(opened: Opened, shown: Shown, t: int, box: tuple[float, float, float, float], wide: int) -> list[Item]:
    """Frame t in a box (x, y, width, height), `wide` pixels across, and the line around what holds the share."""
    x, y, width, height = box
    grid, marks = opened.grid, held(opened, shown)[t]
    down, across = height / grid.Y, width / grid.X
    ends = tuple((x + a * across, y + b * down, x + c * across, y + d * down) for a, b, c, d in outline(marks))
    picture = Picture(x, y, width, height, overlay(opened, shown, t, wide))
    return [picture, *([Lines(ends, 1.4 if width == WIDE else 0.8)] if ends else [])]


def overlay(opened: Opened, shown: Shown, t: int, wide: int) -> Image.Image:
    """Frame t, `wide` pixels across, under the attention of the pinned patch."""
    look, (weights, signed, full) = opened.view.look, weighed(opened, shown)
    photo = picture(opened.picture.frames[t])
    photo = photo.resize((wide, max(1, round(wide * opened.grid.Y / opened.grid.X))), Image.Resampling.LANCZOS)
    frame = opened.grid.fold(weights[:, None])[t, ..., 0]
    return painted(photo, frame, len(weights), signed, look.mode == "heat", look.tone, full)


def weighed(opened: Opened, shown: Shown) -> tuple[Tensor, bool, float]:
    """What is painted of one map, (S,), whether it may be negative, and what is as bright as can be."""
    look, row = opened.view.look, row_of(opened, shown)
    full, other = FULL / len(row), base(opened, shown)
    if look.mode == "difference" and other is not None:
        return row - row_of(opened, other), True, full
    most = float(row.abs().max())
    return row, is_signed(shown.reading.map, opened.query), most if look.own and most > 0 else full


def base(opened: Opened, shown: Shown) -> Shown | None:
    """The map that one is compared with, the first; none for itself, or where either holds no shares."""
    first = opened.shown[0]
    rows = [] if shown is first else [first, shown]
    return first if rows and all(told(opened, one)[0] for one in rows) else None


def held(opened: Opened, shown: Shown) -> Tensor:
    """The fewest patches that hold the share that is encircled: (T, Y, X) bool."""
    row, share = row_of(opened, shown), opened.view.look.share
    marks = fewest(row, share if told(opened, shown)[0] else 0.0)
    return opened.grid.fold(marks[:, None])[..., 0]


def outline(marks: Tensor) -> list[tuple[int, int, int, int]]:
    """Every side (x, y, x, y) between a marked patch of (Y, X) and one that is not, in patches.

    >>> import torch
    >>> len(outline(torch.tensor([[True, True], [False, True]])))
    8
    """
    on = pad(marks.bool(), (1, 1, 1, 1))
    across = (on[1:, 1:-1] != on[:-1, 1:-1]).nonzero().tolist()
    down = (on[1:-1, 1:] != on[1:-1, :-1]).nonzero().tolist()
    return [(x, y, x + 1, y) for y, x in across] + [(x, y, x, y + 1) for y, x in down]


def row_of(opened: Opened, shown: Shown) -> Tensor:
    """The pinned patch's row of weights, (S,)."""
    return seen.row_of(shown.reading.map, opened.query)


def told(opened: Opened, shown: Shown) -> tuple[dict[str, float], str]:
    """The measures of that row, and why there are none."""
    return seen.of_row(shown.reading.map, opened.query, opened.grid)


def shares(opened: Opened, shown: Shown) -> list[str]:
    """What every frame holds of the pinned patch's attention, in per cent; nothing where there are no shares."""
    if not told(opened, shown)[0]:
        return []
    return [f"{100 * part:.0f}" for part in frame_mass(row_of(opened, shown), opened.grid).tolist()]
