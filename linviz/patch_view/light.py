"""Light: a picture at night, with a lamp on what is looked at. The browser paints the same (light.js), from `LIGHT`.

A weight a over S keys has x = min(1, a S / FULL) and brightness t, its tone. Both are interpolated between patch
centres. Over a pixel c in 0..1 with the grey value g:

    out = (1 - t) night(g) tint + t c^day,     night(g) = 0.05 + 0.30 g
    shown = 1 - (1 - out) (1 - lamp x)

So an unlit picture stays readable in cool grey, what is looked at has its own colours, and a lit patch shows on black
and on white.
"""
from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .picture_planes import PaintedRows, enlarged_blocks, picture_planes

FULL = 12  # a patch that gets FULL times its equal share is fully bright
LUMA = (0.2126, 0.7152, 0.0722)  # of red, green and blue in a grey value
GREY = (0.299, 0.587, 0.114)  # the same in Pillow's grey pictures, which lie under heat and under signed weights
DIM, FADED = 0.42, 0.1  # brightness and colour that heat leaves of a picture
LIGHT: dict[str, Any] = {"root": 0.6, "decades": 3, "luma": LUMA, "night": (0.05, 0.30), "tint": (0.92, 0.97, 1.08),
                         "day": 0.7, "lamp": (0.45, 0.342, 0.135)}
PROJECTED = LIGHT | {"night": (0.14, 0.40), "day": 0.5}  # in a room that is not dark


def brightness(weights: Tensor, full: float, tone: str = "root") -> Tensor:
    """The brightness of weights, in 0..1; the weight `full` has brightness 1; "log" shows three decades.

    >>> brightness(torch.tensor([0.01, 1.0]), 1.0, "linear").tolist()
    [0.009999999776482582, 1.0]
    >>> brightness(torch.tensor([1e-3, 1.0]), 1.0, "log").tolist()
    [0.0, 1.0]
    """
    x = (weights.float() / full).clamp(0, 1)
    if tone == "log":
        return (1 + x.log10() / LIGHT["decades"]).clamp_min(0)
    return x ** LIGHT["root"] if tone == "root" else x


class DevelopedPicture:
    """A picture as maps are drawn on it. What no map changes is made once, when it is first needed.

    >>> DevelopedPicture(Image.new("RGB", (4, 2), "grey")).size
    (4, 2)
    """

    def __init__(self, image: Image.Image) -> None:
        self.image, self.size = image if image.mode == "RGB" else image.convert("RGB"), image.size
        self._night_and_day: dict[bool, tuple[Tensor, Tensor]] = {}

    def night_and_day(self, projector: bool = False) -> tuple[Tensor, Tensor]:
        """The picture by night, (Y, X) and without its tint, and by day, (3, Y, X); uint8."""
        if projector not in self._night_and_day:
            rule = PROJECTED if projector else LIGHT
            low, gain = rule["night"]
            night = self.image.convert("L", (*(gain * part for part in LUMA), 255 * low))
            day = self.image.point([round(255 * (c / 255) ** rule["day"]) for c in range(256)] * 3)
            self._night_and_day[projector] = torch.from_numpy(np.array(night)), picture_planes(day)
        return self._night_and_day[projector]

    @cached_property
    def dimmed(self) -> Tensor:
        """The picture under heat: dark, and nearly grey; (3, Y, X), uint8."""
        matrix = [DIM * ((1 - FADED) * grey + FADED * (i == j)) for i in range(3) for j, grey in enumerate((*GREY, 0))]
        return picture_planes(self.image.convert("RGB", tuple(matrix)))

    @cached_property
    def grey(self) -> Tensor:
        """The picture under signed weights, (1, Y, X), uint8."""
        return torch.from_numpy(np.array(self.image.convert("L")))[None]


def developed_picture(image: Image.Image | DevelopedPicture) -> DevelopedPicture:
    """The picture, developed if it is not yet."""
    return image if isinstance(image, DevelopedPicture) else DevelopedPicture(image)


def light_image(image: Image.Image | DevelopedPicture, weights: Tensor, keys: int, tone: str = "root",
                full: float | None = None, projector: bool = False) -> Image.Image:
    """A picture lit by weights (Y, X) of one frame out of a row over `keys` keys; negative weights stay dark.

    full  is the weight that is fully bright;  projector  for a room that is not dark: night is lighter.

    >>> grey = Image.new("RGB", (4, 4), "grey")
    >>> [light_image(grey, torch.full((2, 2), a), 24).getpixel((1, 1)) for a in (0.0, 0.5)]     # night, and the lamp
    [(47, 49, 55), (201, 191, 170)]
    """
    full, rule = full or FULL / keys, PROJECTED if projector else LIGHT
    night, day = (picture := developed_picture(image)).night_and_day(projector)
    maps = torch.stack([brightness(weights, full, tone), brightness(weights, full, "linear")])
    tint, lamp = (torch.tensor(rule[name])[:, None, None] for name in ("tint", "lamp"))
    white, painted = torch.full((picture.size[0],), 255.0), PaintedRows(picture.size)
    for rows, (t, x) in enlarged_blocks(maps, picture.size):
        out = torch.lerp(tint * night[rows], day[:, rows].float(), t)
        painted.write(rows, torch.lerp(out, white, lamp * x))
    return painted.image()
