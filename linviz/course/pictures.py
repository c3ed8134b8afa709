"""Pictures side by side in a cell, each with a title, alt text and, optionally, a strip of colours.

For pictures that are not charts: templates lit on a photograph, repainted pictures, the frames of a clip.
"""
from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from PIL import Image
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ..clips import Clip
from ..grid import Grid
from ..patch_view.blob import frame_image
from ..patch_view.light import light_image

WIDTH = 196  # pixels of a picture on a wide page


@dataclass(frozen=True)
class Picture:
    """A picture, its title, its alt text, and colours (rows of RGB in 0..1) for a strip below it."""

    title: str
    image: Image.Image
    alt: str
    colours: Tensor | None = None


class Gallery:
    """Pictures in rows of `columns`, each at most `width` pixels wide. Put it in the last line of a cell to show it.

    >>> Gallery([Picture("black", Image.new("RGB", (8, 8)), "a black square")])._repr_mimebundle_()["text/plain"]
    'black: a black square'
    """

    def __init__(self, pictures: Sequence[Picture], columns: int = 4, width: int = WIDTH) -> None:
        self.pictures, self.columns, self.width = tuple(pictures), columns, width

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        body = "".join(_picture_html(p) for p in self.pictures)
        rows = f"display:grid;grid-template-columns:repeat({self.columns},minmax(0,{self.width}px));gap:10px 8px"
        return {"text/plain": "\n".join(f"{p.title}: {p.alt}" for p in self.pictures),
                "text/html": f'<div style="{rows}">{body}</div>'}


def _picture_html(p: Picture) -> str:
    out = io.BytesIO()
    p.image.save(out, "JPEG", quality=85)
    source = f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
    return (f'<figure style="margin:0"><img alt="{escape(p.alt)}" src="{source}" style="width:100%;display:block">'
            f'{_colour_strip(p.colours)}'
            f'<figcaption style="font-size:13px;line-height:1.35">{escape(p.title)}</figcaption></figure>')


def _colour_strip(colours: Tensor | None) -> str:
    if colours is None:
        return ""
    cells = "".join(f'<span style="flex:1;background:{colour_name(c)}"></span>' for c in colours)
    return f'<div style="display:flex;height:18px;margin-top:3px">{cells}</div>'


def colour_name(rgb: Tensor) -> str:
    """The hexadecimal name of an RGB colour in 0..1.

    >>> import torch
    >>> colour_name(torch.tensor([1.0, 0.5, 0.0]))
    '#ff8000'
    """
    return "#" + "".join(f"{round(255 * x):02x}" for x in rgb.clamp(0, 1).tolist())


def patch_colours(clip: Clip, grid: Grid) -> Tensor:
    """The mean colour of every patch, for use as values: (1, 1, N, 3) RGB in 0..1, in token order.

    >>> from linviz import clips
    >>> grid = Grid(1, 4, 4)
    >>> patch_colours(clips.fit(clips.load("coffee"), grid), grid).shape
    torch.Size([1, 1, 16, 3])
    """
    return adaptive_avg_pool2d(clip.frames, (grid.Y, grid.X)).permute(0, 2, 3, 1).flatten(0, 2)[None, None]


def patch_mosaic(rgb: Tensor, grid: Grid, number: int = 0, side: int = 224) -> Image.Image:
    """Frame `number` with one colour per patch: rgb (1, 1, N, 3) in 0..1.

    >>> import torch
    >>> patch_mosaic(torch.ones(1, 1, 4, 3), Grid(1, 2, 2), side=10).size
    (10, 10)
    """
    tiles = grid.fold(rgb)[0, 0, number].clamp(0, 1).mul(255).round().byte().numpy()
    return Image.fromarray(tiles).resize((side, side * grid.Y // grid.X), Image.Resampling.NEAREST)


def lit_by(weights: Tensor, clip: Clip, grid: Grid, number: int = 0, side: int = 192) -> Image.Image:
    """Frame `number` lit by weights (N,) of all tokens, as the view lights it for a projector.

    >>> import torch
    >>> from linviz import clips
    >>> grid = Grid(1, 4, 4)
    >>> lit_by(torch.full((16,), 1 / 16), clips.fit(clips.load("coffee"), grid), grid, side=64).size
    (64, 64)
    """
    frame, own = clip_frame(clip, grid, number, side), grid.fold(weights[:, None])[number, ..., 0]
    return light_image(frame, own, len(grid), projector=True)


def clip_frame(clip: Clip, grid: Grid, number: int = 0, side: int = 192) -> Image.Image:
    """A frame of a clip as it is, `side` pixels wide, in the grid's proportions.

    >>> from linviz import clips
    >>> clip_frame(clips.load("pan", frames=2), Grid(2, 4, 4), 1, side=64).size
    (64, 64)
    """
    return frame_image(clip.frames[number]).resize((side, side * grid.Y // grid.X), Image.Resampling.LANCZOS)
