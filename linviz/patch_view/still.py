"""The view as it opens, as a still picture: for a notebook on a web page or on paper, where no script runs.

Drawn as the browser draws it. Light is a picture at night with a lamp on what is looked at (`light`). The still picture
is lit as for a projector, because pages, paper and slides are seen in bright rooms. Heat is viridis
of the same brightness on a dimmed picture. A map with weights below zero is blue where it subtracts and orange where
it adds, on a grey picture. Gates stand at their full strength.
"""
from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..grid import Grid
from ..palette import DIVERGING, HUES, OTHER_HUE, SEQUENTIAL
from .blob import Panel, Pictured, frame_image
from .light import FULL, DevelopedPicture, brightness, developed_picture, light_image
from .picture_planes import PaintedRows, enlarged_blocks

SIDE, GAP, HEAD = 340, 16, 30  # pixels: width of a panel, between panels, above them
SIGNED = "orange adds, blue subtracts"
PROBES = (0.03, 0.21, 0.43, 0.64, 0.86)  # rows, as fractions of all, that are tested for weights below zero


def attention_image(image: Image.Image | DevelopedPicture, weights: Tensor, keys: int, signed: bool = False,
                    heat: bool = False, tone: str = "root", full: float | None = None, projector: bool = False
                    ) -> Image.Image:
    """A picture under weights (Y, X), as the view shows it: signed, as heat, or lit.

    image is developed here, unless several maps share a `DevelopedPicture`.

    full  is the weight that is fully bright; by default `FULL` / `keys`: `FULL` times the equal share of a key.

    >>> grey = Image.new("RGB", (4, 4), "grey")
    >>> blue = attention_image(grey, torch.full((2, 2), -1.0), 4, signed=True).getpixel((1, 1))
    >>> blue[2] > blue[0]
    True
    """
    picture, e = developed_picture(image), brightness(weights.abs(), full or FULL / keys, tone)
    if signed:
        colour, alpha = ramp_colours(DIVERGING, 0.5 + weights.sign() * e / 2), torch.full_like(e, 205 / 255)
        return _blend_colours(picture.grey, colour, alpha)
    if heat:
        alpha = 235 / 255 * (1.6 * e).clamp_max(1)
        return _blend_colours(picture.dimmed, ramp_colours(SEQUENTIAL["viridis"], e), alpha)
    return light_image(picture, weights, keys, tone, full, projector)


def ramp_colours(stops: Sequence[str], x: Tensor) -> Tensor:
    """The colour at x in 0..1 between evenly spaced stops (hexadecimal): (...) -> (3, ...) in 0..1.

    >>> ramp_colours(("#000000", "#ffffff"), torch.tensor([0.5])).tolist()
    [[0.5], [0.5], [0.5]]
    """
    table = torch.tensor([[int(stop[n:n + 2], 16) / 255 for n in (1, 3, 5)] for stop in stops])
    at = x.clamp(0, 1).float() * (len(stops) - 1)
    low = at.floor().clamp_max(len(stops) - 2).long()
    return torch.lerp(table[low], table[low + 1], (at - low)[..., None]).movedim(-1, 0)


def _blend_colours(under: Tensor, colour: Tensor, alpha: Tensor) -> Image.Image:
    """Colours (3, Y, X) over a picture (1 or 3, Ypx, Xpx), as opaque as alpha (Y, X) says, smooth between centres."""
    painted = PaintedRows((under.shape[2], under.shape[1]))
    for rows, over in enlarged_blocks(torch.cat([255 * colour * alpha, 1 - alpha[None]]), painted.size):
        painted.write(rows, torch.addcmul(over[:3], under[:, rows].float(), over[3]))
    return painted.image()


def is_signed(map_: Any, query: int, at: tuple[int, int] = (0, 0)) -> bool:
    """Whether a map has weights below zero in the query's row or in a few others.

    >>> from linviz.maps import Dense
    >>> is_signed(Dense(torch.eye(3) - 0.1, stochastic=False), 0)
    True
    """
    N = map_.shape[0]
    rows = map_.rows(torch.tensor([query, *(int(x * N) for x in PROBES)])).detach()
    rows = rows[at] if rows.ndim == 4 else rows
    return bool((rows < -1e-6 * rows.abs().amax(-1, keepdim=True)).any())


def still_jpeg(panels: Sequence[Panel], clip: Pictured, grid: Grid, query: int) -> bytes:
    """The panels side by side under their titles, on the query's frame, as JPEG (PNG would be seven times as large)."""
    t = grid.place(query)[0] if query >= grid.prefix else 0
    photo = frame_image(clip.frames[t])
    photo = photo.resize((SIDE, round(SIDE * photo.height / photo.width)), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (len(panels) * (SIDE + GAP) - GAP, HEAD + photo.height), "white")
    for n, panel in enumerate(panels):
        shown = _draw_ring(_still_panel(panel, photo, grid, query, t), grid, query)
        sheet.paste(shown, (n * (SIDE + GAP), HEAD))
        _draw_title(sheet, n * (SIDE + GAP), panel)
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=90)
    return out.getvalue()


def alt_text(panels: Sequence[Panel], clip: Pictured, grid: Grid, query: int) -> str:
    """What the still picture shows, in words."""
    place = ("a token before the picture" if query < grid.prefix else
             "row {1}, column {2}".format(*(x + 1 for x in grid.place(query))))
    names = ", ".join(p.title for p in panels)
    return f"The attention of the patch at {place}, under {names}. {getattr(clip, 'alt', '')}".strip()


def _still_panel(panel: Panel, photo: Image.Image, grid: Grid, query: int, t: int) -> Image.Image:
    keys = panel.keys or grid
    row = _still_row(panel.map, query, panel.at)
    if row is None or len(row) != len(keys):
        return light_image(photo, torch.zeros(1, 1), 1, projector=True)
    signed = is_signed(panel.map, query, panel.at)
    shown = attention_image(photo, keys.fold(row[:, None])[t * keys.T // grid.T, ..., 0], len(keys), signed,
                            projector=True)
    if signed:
        place, font = (8, shown.height - 8), ImageFont.load_default(13)
        ImageDraw.Draw(shown).text(place, SIGNED, "white", font, "lb", stroke_width=2, stroke_fill="black")
    return shown


def _still_row(map_: Any, query: int, at: tuple[int, int]) -> Tensor | None:
    """Row of the query, (S,), or None for a map that only a browser can draw."""
    if not hasattr(map_, "rows"):
        return None
    row: Tensor = map_.rows(torch.tensor([query])).detach()
    return row[at][0] if row.ndim == 4 else row[0]


def ring_radius(grid: Grid, wide: float) -> float:
    """The radius of the ring around a patch of a picture that is `wide` across: the patch lies inside, uncovered.

    >>> ring_radius(Grid(Y=10, X=10), 100.0)
    10.1
    """
    return 0.71 * wide / grid.X + 3


def _draw_ring(image: Image.Image, grid: Grid, query: int) -> Image.Image:
    if query >= grid.prefix:
        _, y, x = grid.place(query)
        across, down, r = (x + 0.5) / grid.X * image.width, (y + 0.5) / grid.Y * image.height, ring_radius(grid, SIDE)
        pen = ImageDraw.Draw(image)
        pen.ellipse((across - r - 2, down - r - 2, across + r + 2, down + r + 2), outline="black", width=4)
        pen.ellipse((across - r - 1, down - r - 1, across + r + 1, down + r + 1), outline="white", width=2)
    return image


def _draw_title(sheet: Image.Image, left: int, panel: Panel) -> None:
    pen, middle = ImageDraw.Draw(sheet), HEAD // 2 - 2
    pen.ellipse((left, middle - 5, left + 10, middle + 5), fill=HUES.get(panel.family, OTHER_HUE))
    pen.text((left + 18, middle), panel.title, fill="#1d232b", anchor="lm", font=ImageFont.load_default(15))
