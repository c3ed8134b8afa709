"""What of a view can be drawn on the page Concentrate: its grid, its most patches, and the settings that show best.

`size` is that of a person's own file: frames, rows and columns of pixels, or the grid of tensors; None for a sample.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from linviz import Grid, make
from linviz.mechanisms import parse
from linviz.views import SourceFile, View
from linviz.views.load import frame_patches, view_grid
from linviz.views.state import CAPS, OWN_CLIP_PATCHES

CAP = CAPS["page"]
TABLE = 1568  # tokens: above, a map that can only travel as its whole table is not shown


def moving(view: View, size: tuple[int, ...] | None) -> bool:
    """Whether a view shows a clip: a person's own file has its `size`, frames first, once it is there."""
    if isinstance(view.source, SourceFile):
        return size is None or size[0] > 1
    return not view.still


def page_grid(view: View, size: tuple[int, ...] | None) -> Grid:
    """The grid of a view on the page: a clip has no more frames than a browser can follow."""
    return view_grid(view, size, CAP)


def most_patches(view: View, size: tuple[int, ...] | None) -> int:
    """Patches along the longer side at most: a clip needs room for two frames.

    >>> most_patches(View("coffee"), None), most_patches(View("pan"), None)
    (56, 39)
    """
    most = View.limits("patches")["high"]
    room = CAP // (2 if moving(view, size) else 1)
    while prod(frame_patches(view, size, most)) > room:
        most -= 1
    return int(most)


def without_time_shift(view: View, clip: bool) -> list[tuple[str, Mapping[str, Any]]]:
    """The panels of a view, without a shift in time where there is no time, or no future to be seen."""
    out = []
    for spec, options in view.panels:
        parsed = parse(spec)
        drop = parsed.shift == "time" and (view.causal or not clip)
        out.append((str(replace(parsed, shift=None)) if drop else spec, options))
    return out


def refusal(spec: str, options: Mapping[str, Any], causal: bool = False) -> str:
    """Why a mechanism cannot be made at all, whatever the picture, or cannot be causal; empty where it can.

    >>> refusal("softmax", {}), refusal("softmax+gate", {})
    ('', "'softmax+gate': +gate needs the features of a kernel, and softmax has none")
    >>> refusal("linear", {}, causal=True), refusal("swin", {}, causal=True).partition(";")[0]
    ('', 'swin has no causal form')
    """
    try:
        make(spec, heads=1, width=16, grid=Grid(2, 14, 14), causal=causal, **options)
    except ValueError as error:
        return str(error)
    return ""


def best_fields(view: View, size: tuple[int, ...] | None) -> dict[str, Any]:
    """The values with which a source shows best; tensors are taken as they are given.

    >>> best_fields(View("digit"), None)
    {'patches': 14, 'frames': 8, 'temperature': 1.0}
    """
    if not isinstance(view.source, SourceFile):
        best = View.best(str(view.source))
        return {"patches": best.patches, "frames": best.frames, "temperature": best.temperature}
    opening = View()
    clip, tensors = size is not None and size[0] > 1, size is not None and len(size) == 4
    return {"patches": OWN_CLIP_PATCHES if clip else opening.patches, "frames": opening.frames,
            "temperature": 1.0 if tensors else opening.temperature}
