"""Light: a picture at night, with a lamp on what is looked at. The browser paints the same (light.js), from `LIGHT`.

A weight a over S keys has x = min(1, a S / FULL) and brightness t, its tone. Both are interpolated between patch
centres. Over a pixel c in 0..1 with the grey value g:

    out = (1 - t) night(g) tint + t c^day,     night(g) = 0.05 + 0.30 g
    shown = 1 - (1 - out) (1 - lamp x)

So an unlit picture stays readable in cool grey, what is looked at has its own colours, and a lit patch shows on black
and on white.
"""
from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

FULL = 12  # a patch that gets FULL times its equal share is fully bright
LUMA = (0.2126, 0.7152, 0.0722)  # of red, green and blue in a grey value
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


def light_image(image: Image.Image, weights: Tensor, keys: int, tone: str = "root",
                full: float | None = None, projector: bool = False) -> Image.Image:
    """A picture lit by weights (Y, X) of one frame out of a row over `keys` keys; negative weights stay dark.

    full  is the weight that is fully bright;  projector  for a room that is not dark: night is lighter.

    >>> grey = Image.new("RGB", (4, 4), "grey")
    >>> [light_image(grey, torch.full((2, 2), a), 24).getpixel((1, 1)) for a in (0.0, 0.5)]     # night, and the lamp
    [(47, 50, 55), (201, 191, 171)]
    """
    full, rule = full or FULL / keys, PROJECTED if projector else LIGHT
    maps = torch.stack([brightness(weights, full, tone), brightness(weights, full, "linear")])
    t, x = interpolate(maps[None], (image.height, image.width), mode="bilinear")[0]
    c = torch.from_numpy(np.asarray(image.convert("RGB"), dtype=np.float32) / 255).movedim(-1, 0)
    luma, tint, lamp = (torch.tensor(rule[name])[:, None, None] for name in ("luma", "tint", "lamp"))
    low, gain = rule["night"]
    out = (1 - t) * (low + gain * (luma * c).sum(0)) * tint + t * c ** rule["day"]
    shown = 1 - (1 - out) * (1 - lamp * x)
    return Image.fromarray((255 * shown).round().clamp(0, 255).byte().movedim(0, -1).numpy())
