"""Numbers as small PNG pictures, one pixel a number: a page enlarges them without blurring."""
from __future__ import annotations

import base64
import io
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..palette import SEQUENTIAL
from .still import ramp_colours

LEVELS = 64  # of a scale: more cannot be told apart, and take more bytes


@cache
def _png_palette(scale: str) -> bytes:
    colours = ramp_colours(SEQUENTIAL[scale], torch.linspace(0, 1, LEVELS))
    return bytes((255 * colours.mT).round().byte().flatten().tolist())


def heat_png(values: Any, low: float, high: float, scale: str = "cividis") -> bytes:
    """A table (Y, X) as PNG: `low` has the first colour of the scale (viridis, cividis or gray), `high` its last.

    >>> image = Image.open(io.BytesIO(heat_png([[0.0, 1.0]], 0.0, 1.0, "gray")))
    >>> image.size, image.convert("L").tobytes().hex()
    ((2, 1), '00ff')
    """
    x = (np.asarray(values, dtype=np.float32) - low) / (high - low)
    image = Image.fromarray(((LEVELS - 1) * x.clip(0, 1)).round().astype(np.uint8)).convert("P")
    image.putpalette(_png_palette(scale))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def picture_url(picture: bytes, kind: str = "png") -> str:
    """A picture as a URL that holds it.

    >>> picture_url(heat_png([[0.0]], 0.0, 1.0))[:26]
    'data:image/png;base64,iVBO'
    """
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
