"""A frame under the attention of the pinned patch, painted as the live view paints it and as its look has it."""
from __future__ import annotations

from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from ...concentration import fewest, frame_mass
from ...patch_view.blob import FULL, picture
from ...patch_view.still import is_signed, painted
from .. import row_stats as seen
from ..sight import Lit, Sight
from .sheet import EDGE, HELD, Item, Lines, Picture

WIDE = 320  # pixels: a panel's picture


def under(opened: Sight, shown: Lit, t: int, box: tuple[float, float, float, float], wide: int) -> list[Item]:
    """Frame t in a box (x, y, width, height), `wide` pixels across; lines around the object and the share."""
    items: list[Item] = [Picture(*box, overlay(opened, shown, t, wide))]
    if opened.outline is not None:
        items += around(opened.grid.fold(opened.outline[:, None])[t, ..., 0], box, EDGE)
    return items + around(held(opened, shown)[t], box)


def around(marks: Tensor, box: tuple[float, float, float, float], light: str = HELD) -> list[Item]:
    """A line around the marked patches of (Y, X) in a box; none, no line."""
    (x, y, width, height), (rows, columns) = box, marks.shape
    down, across = height / rows, width / columns
    ends = tuple((x + a * across, y + b * down, x + c * across, y + d * down) for a, b, c, d in outline(marks))
    return [Lines(ends, 1.4 if width == WIDE else 0.8, light)] if ends else []


def overlay(opened: Sight, shown: Lit, t: int, wide: int) -> Image.Image:
    """Frame t, `wide` pixels across, under the attention of the pinned patch."""
    look, (weights, signed, full) = opened.look, weighed(opened, shown)
    photo = picture(opened.picture.frames[t])
    photo = photo.resize((wide, max(1, round(wide * opened.grid.Y / opened.grid.X))), Image.Resampling.LANCZOS)
    frame = opened.grid.fold(weights[:, None])[t, ..., 0]
    return painted(photo, frame, len(weights), signed, look.mode == "heat", look.tone, full)


def weighed(opened: Sight, shown: Lit) -> tuple[Tensor, bool, float]:
    """What is painted of one map, (S,), whether it may be negative, and what is as bright as can be."""
    look, row = opened.look, row_of(opened, shown)
    full, other = FULL / len(row), base(opened, shown)
    if look.mode == "difference" and other is not None:
        return row - row_of(opened, other), True, full
    most = float(row.abs().max())
    return row, is_signed(shown.map, opened.query), most if look.own and most > 0 else full


def base(opened: Sight, shown: Lit) -> Lit | None:
    """The map that one is compared with, the first; none for itself, or where either holds no shares."""
    first = opened.shown[0]
    rows = [] if shown is first else [first, shown]
    return first if rows and all(told(opened, one)[0] for one in rows) else None


def held(opened: Sight, shown: Lit) -> Tensor:
    """The fewest patches that hold the share that is encircled: (T, Y, X) bool."""
    row, share = row_of(opened, shown), opened.look.share
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


def row_of(opened: Sight, shown: Lit) -> Tensor:
    """The pinned patch's row of weights, (S,)."""
    return seen.row_of(shown.map, opened.query)


def told(opened: Sight, shown: Lit) -> tuple[dict[str, float], str]:
    """The measures of that row, and why there are none."""
    return seen.of_row(shown.map, opened.query, opened.grid)


def shares(opened: Sight, shown: Lit) -> list[str]:
    """What every frame holds of the pinned patch's attention, in per cent; nothing where there are no shares."""
    if not told(opened, shown)[0]:
        return []
    return [f"{100 * part:.0f}" for part in frame_mass(row_of(opened, shown), opened.grid).tolist()]
