"""The view as it opens, as a still picture: for a notebook on a web page or on paper, where nothing can move.

Drawn as the browser draws it: a patch's brightness is FLOOR + (1 - FLOOR) sqrt(min(1, a S / FULL)), interpolated
between patch centres. Gates stand at their full strength.
"""
from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.nn.functional import interpolate

from ..grid import Grid
from .blob import FLOOR, FULL, Panel, Pictured, picture

SIDE, GAP, HEAD = 340, 16, 30  # pixels: width of a panel, between panels, above them
HUES = {"softmax": "#0072b2", "kernel": "#d55e00", "low-rank": "#009e73", "local": "#cc79a7", "content-free": "#8a8a8a",
        "graph": "#b59f00"}


def lit(image: Image.Image, weights: Tensor, keys: int) -> Image.Image:
    """A picture lit by weights (Y, X) of one frame out of a row over `keys` keys; negative weights stay dark.

    >>> lit(Image.new("RGB", (4, 4), "white"), torch.full((2, 2), 0.25), 4).getpixel((1, 1))[0]      # uniform
    81
    """
    light = FLOOR + (1 - FLOOR) * (weights.float() * keys / FULL).clamp(0, 1).sqrt()
    light = interpolate(light[None, None], (image.height, image.width), mode="bilinear")[0, 0]
    shadow = Image.fromarray((255 * light).round().byte().numpy())
    return Image.composite(image, Image.new("RGB", image.size), shadow)


def still(panels: Sequence[Panel], clip: Pictured, grid: Grid, query: int) -> bytes:
    """The panels side by side under their titles, on the query's frame, as JPEG (PNG would be seven times as much)."""
    t = grid.place(query)[0] if query >= grid.prefix else 0
    photo = picture(clip.frames[t])
    photo = photo.resize((SIDE, round(SIDE * photo.height / photo.width)), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (len(panels) * (SIDE + GAP) - GAP, HEAD + photo.height), "white")
    for n, panel in enumerate(panels):
        shown = _ringed(_panel(panel, photo, grid, query, t), grid, query)
        sheet.paste(shown, (n * (SIDE + GAP), HEAD))
        _title(sheet, n * (SIDE + GAP), panel)
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=90)
    return out.getvalue()


def alt(panels: Sequence[Panel], clip: Pictured, grid: Grid, query: int) -> str:
    """What the still picture shows, in words."""
    place = ("a token before the picture" if query < grid.prefix else
             "row {1}, column {2}".format(*(x + 1 for x in grid.place(query))))
    names = ", ".join(p.title for p in panels)
    return f"The attention of the patch at {place}, under {names}. {getattr(clip, 'alt', '')}".strip()


def _panel(panel: Panel, photo: Image.Image, grid: Grid, query: int, t: int) -> Image.Image:
    keys = panel.keys or grid
    row = _row(panel.map, query, panel.at)
    if row is None or len(row) != len(keys):
        return lit(photo, torch.zeros(1, 1), 1)
    return lit(photo, keys.fold(row[:, None])[t * keys.T // grid.T, ..., 0], len(keys))


def _row(map_: Any, query: int, at: tuple[int, int]) -> Tensor | None:
    """Row of the query, (S,), or None for a thing that can only be drawn in a browser."""
    if not hasattr(map_, "rows"):
        return None
    row: Tensor = map_.rows(torch.tensor([query])).detach()
    return row[at][0] if row.ndim == 4 else row[0]


def _ringed(image: Image.Image, grid: Grid, query: int) -> Image.Image:
    if query >= grid.prefix:
        _, y, x = grid.place(query)
        across, down, r = (x + 0.5) / grid.X * image.width, (y + 0.5) / grid.Y * image.height, 8
        pen = ImageDraw.Draw(image)
        pen.ellipse((across - r - 1, down - r - 1, across + r + 1, down + r + 1), outline="black", width=4)
        pen.ellipse((across - r, down - r, across + r, down + r), outline="white", width=2)
    return image


def _title(sheet: Image.Image, left: int, panel: Panel) -> None:
    pen, middle = ImageDraw.Draw(sheet), HEAD // 2 - 2
    pen.ellipse((left, middle - 5, left + 10, middle + 5), fill=HUES.get(panel.family, "#888888"))
    pen.text((left + 18, middle), panel.title, fill="#1d232b", anchor="lm", font=ImageFont.load_default(15))
