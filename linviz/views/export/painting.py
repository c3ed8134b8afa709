"""A frame under the attention of the query, painted as the live view paints it."""
from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from ...clips import Clip
from ...concentration import frame_mass, support_mask
from ...patch_view.blob import frame_image
from ...patch_view.light import FULL, LIGHT, DevelopedPicture
from ...patch_view.still import attention_image, is_signed
from ..drawable import Drawable, DrawablePanel
from ..row_stats import query_row, row_statistics
from ..state import Look
from .sheet import EDGE, HELD, Item, Lines, Picture, Words, text_length

WIDE = 320  # pixels: a panel's picture
BAR = (96, 10)  # pixels: the scale


def framed_overlay(opened: Drawable, panel: DrawablePanel, t: int, box: tuple[float, float, float, float],
                   wide: int) -> list[Item]:
    """Frame t in a box (x, y, width, height), `wide` pixels across; lines around the object and the share."""
    items: list[Item] = [Picture(*box, overlay_image(opened, panel, t, wide))]
    if opened.outline is not None:
        items += outline_lines(opened.grid.fold(opened.outline[:, None])[t, ..., 0], box, EDGE)
    return items + outline_lines(share_marks(opened, panel)[t * opened.keys.T // opened.grid.T], box)


def outline_lines(marks: Tensor, box: tuple[float, float, float, float], light: str = HELD) -> list[Item]:
    """A line around the marked patches of (Y, X) in a box; no line where none is marked."""
    (x, y, width, height), (rows, columns) = box, marks.shape
    down, across = height / rows, width / columns
    ends = tuple((x + a * across, y + b * down, x + c * across, y + d * down) for a, b, c, d in mark_edges(marks))
    return [Lines(ends, 1.4 if width == WIDE else 0.8, light)] if ends else []


def overlay_image(opened: Drawable, panel: DrawablePanel, t: int, wide: int) -> Image.Image:
    """Frame t, `wide` pixels across, under the attention of the pinned patch."""
    look, (weights, signed, full) = opened.look, painted_weights(opened, panel)
    photo = _developed_frame(opened.picture, t, (wide, max(1, round(wide * opened.grid.Y / opened.grid.X))))
    frame = opened.keys.fold(weights[:, None])[t * opened.keys.T // opened.grid.T, ..., 0]
    return attention_image(photo, frame, len(weights), signed, look.mode == "heat", look.tone, full, look.projector)


_FRAMES: WeakKeyDictionary[Clip, tuple[tuple[Any, ...], DevelopedPicture]] = WeakKeyDictionary()


def _developed_frame(clip: Clip, t: int, size: tuple[int, int]) -> DevelopedPicture:
    """Frame t at a size. The last one of every clip is kept, as long as its view is: all panels show the same."""
    asked, (kept, picture) = (t, size), _FRAMES.get(clip, ((), None))
    if picture is None or kept != asked:
        picture = DevelopedPicture(frame_image(clip.frames[t]).resize(size, Image.Resampling.LANCZOS))
        _FRAMES[clip] = asked, picture
    return picture


def painted_weights(opened: Drawable, panel: DrawablePanel) -> tuple[Tensor, bool, float]:
    """The weights to paint, (S,), whether they may be negative, and the weight that is fully bright."""
    look, row = opened.look, panel_row(opened, panel)
    full, other = FULL / len(row), baseline_panel(opened, panel)
    if look.mode == "difference" and other is not None:
        return row - panel_row(opened, other), True, full
    most = float(row.abs().max())
    return row, is_signed(panel.map, opened.query), most if look.own and most > 0 else full


def scale_items(opened: Drawable, x: float, y: float) -> list[Item]:
    """The scale as the live view has it (scale.js): a bar on mid grey, and the weights at its two ends."""
    low, high = scale_ends(opened)
    middle = x + text_length(low, 12) + 8
    return [Words(x, y + 9, low, 12), Picture(middle, y, *BAR, scale_image(opened.look)),
            Words(middle + BAR[0] + 8, y + 9, high, 12)]


def scale_ends(opened: Drawable) -> tuple[str, str]:
    """The weights at the ends of the scale, in words."""
    look, equal = opened.look, f"{FULL} × equal share"
    if look.mode == "difference":
        return f"−{FULL}", f"+{equal}"
    return f"{FULL / 10 ** LIGHT['decades']:g}" if look.tone == "log" else "0", (
        "each map's largest weight" if look.own else equal)


def scale_image(look: Look) -> Image.Image:
    """The bar of the scale, four pixels for every one of the page."""
    signed = look.mode == "difference"
    at = torch.linspace(-1 if signed else 0, 1, BAR[0])[None]
    x = at.sign() * 10 ** (LIGHT["decades"] * (at.abs() - 1)) if look.tone == "log" else at
    grey = Image.new("RGB", (4 * BAR[0], 4 * BAR[1]), (128, 128, 128))
    return attention_image(grey, x, BAR[0], signed, look.mode == "heat", look.tone, 1.0, look.projector)


def baseline_panel(opened: Drawable, panel: DrawablePanel) -> DrawablePanel | None:
    """The panel that another is compared with: the first; None for itself, or where either row is no distribution."""
    first = opened.panels[0]
    rows = [] if panel is first else [first, panel]
    return first if rows and all(panel_statistics(opened, one)[0] for one in rows) else None


def share_marks(opened: Drawable, panel: DrawablePanel) -> Tensor:
    """The fewest patches that hold the share that the look asks for: (T, Y, X) bool, on the grid of the keys."""
    row, share = panel_row(opened, panel), opened.look.share
    marks = support_mask(row, share if panel_statistics(opened, panel)[0] else 0.0)
    return opened.keys.fold(marks[:, None])[..., 0]


def mark_edges(marks: Tensor) -> list[tuple[int, int, int, int]]:
    """Every edge (x, y, x, y), in patches, between a marked patch of (Y, X) and an unmarked one.

    >>> import torch
    >>> len(mark_edges(torch.tensor([[True, True], [False, True]])))
    8
    """
    on = pad(marks.bool(), (1, 1, 1, 1))
    across = (on[1:, 1:-1] != on[:-1, 1:-1]).nonzero().tolist()
    down = (on[1:-1, 1:] != on[1:-1, :-1]).nonzero().tolist()
    return [(x, y, x + 1, y) for y, x in across] + [(x, y, x, y + 1) for y, x in down]


def panel_row(opened: Drawable, panel: DrawablePanel) -> Tensor:
    """The query's row of weights, (S,)."""
    return query_row(panel.map, opened.query)


def panel_statistics(opened: Drawable, panel: DrawablePanel) -> tuple[dict[str, float], str]:
    """The measures of the query's row; or none, and the reason."""
    return row_statistics(panel.map, opened.query, opened.grid)


def frame_shares(opened: Drawable, panel: DrawablePanel) -> list[str]:
    """The share of the attention that lies in each frame, in per cent; nothing where that is not defined."""
    if "distance" not in panel_statistics(opened, panel)[0] or opened.keys.T != opened.grid.T:
        return []
    return [f"{100 * part:.0f}" for part in frame_mass(panel_row(opened, panel), opened.keys).tolist()]
