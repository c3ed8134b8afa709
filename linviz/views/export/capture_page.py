"""All heads of a captured model on one page that needs no network: pictures, one statistic each, rows by hovering.

The page holds q and k in half precision and computes the row of the patch under the pointer itself, for every head.
"""
from __future__ import annotations

import math
from collections import Counter
from typing import Any

import torch
from torch import Tensor

from ...capture import Capture, CapturedLayer
from ...capture.capture_result import describe_bytes
from ...capture.head_statistics import STATISTICS, head_statistics
from ...measure import MEASURES
from ...palette import live_colours
from ...patch_view.blob import jpeg_frame
from ...patch_view.html import blob_page
from ...patch_view.light import LIGHT
from ...patch_view.packing import encode_blob
from ...patch_view.wires import wire_arrays

Sides = tuple[int, int, int]
GREY, PATCH = 0.5, 16
TEXT = """Move over a picture: every head shows where the patch under the pointer looks, from its largest weight down.
{model}, {count}. The page holds pictures, q and k ({kept}); all maps would be {maps}. The numbers are means over all
rows. Attention is not explanation: what a patch looks at need not be what decides (Jain and Wallace
2019).{missing}"""


def capture_page(found: Capture) -> str:
    """The page; ValueError, in one sentence, where it would be too large for a browser.

    >>> from linviz import Grid
    >>> x = torch.rand(1, 2, 9, 4)
    >>> page = capture_page(Capture("Tiny", (CapturedLayer("a", "softmax", x, x, x, Grid(Y=3, X=3), 0.5),)))
    >>> page.startswith("<!doctype html>"), "Tiny" in page
    (True, True)
    """
    layers, blob = shown_layers(found), heads_blob(found)
    heads, maps = sum(one.heads for one in layers.values()), Capture(found.model, tuple(layers.values())).size[1]
    count = f"{heads} head{'s' * (heads > 1)} of {len(layers)} layer{'s' * (len(layers) > 1)}"
    text = TEXT.format(model=found.model, count=count, kept=describe_bytes(len(blob)), maps=describe_bytes(maps),
                       missing=hidden_sentences(found))
    return blob_page(blob, ("heads.js", "host_heads.js"), f"The heads of {found.model}", " ".join(text.split()))


def heads_blob(found: Capture) -> bytes:
    """All heads as the page gets them: pictures, and of every head its wire and its statistics over all rows."""
    sides = common_sides(found)
    heads = [content for n, one in shown_layers(found).items() for content in head_contents(one, n)]
    statistics = [{"name": name, "title": MEASURES[name].title, "unit": statistic_unit(name)} for name in STATISTICS]
    return encode_blob(pictures_content(found, sides) | {
        "heads": heads, "query": middle_place(sides), "statistics": statistics}, {})


def pictures_content(found: Capture, sides: Sides) -> dict[str, Any]:
    """What lies under the heads, and with which colours they are drawn."""
    return {"grid": list(sides), "colours": live_colours(), "light": LIGHT,
            "frames": [jpeg_frame(frame) for frame in page_frames(found, sides)]}


def shown_layers(found: Capture) -> dict[int, CapturedLayer]:
    """The layers on the grid that most layers have, by their number from 1."""
    sides = common_sides(found)
    return {n: one for n, one in enumerate(found, 1) if grid_sides(one) == sides}


def hidden_sentences(found: Capture) -> str:
    """A sentence, after a space, on every layer that is not among `shown_layers`."""
    there = shown_layers(found)
    return "".join(f" Not shown: {one.name}, whose tokens lie elsewhere." for n, one in enumerate(found, 1)
                   if n not in there)


def grid_sides(layer: CapturedLayer) -> Sides | None:
    """Frames, rows and columns of a layer whose queries and keys lie on one grid; None for another one."""
    return None if layer.key_grid is not None else (layer.grid.T, layer.grid.Y, layer.grid.X)


def common_sides(found: Capture) -> Sides:
    """The sides that most layers have."""
    counted = Counter(sides for one in found if (sides := grid_sides(one)) is not None)
    if not counted:
        raise ValueError("no layer has queries and keys on one grid, so there is nothing to hover over: take "
                         "capture.map(layer)")
    return counted.most_common(1)[0][0]


def middle_place(sides: Sides) -> int:
    """The number of the patch in the middle of the first frame.

    >>> middle_place((2, 3, 3))
    4
    """
    return sides[1] // 2 * sides[2] + sides[2] // 2


def statistic_unit(name: str) -> str:
    """The unit of a statistic on the page, where distances are in patches."""
    return "patches" if name == "distance" else MEASURES[name].unit


def head_contents(layer: CapturedLayer, number: int) -> list[dict[str, Any]]:
    """What the page needs of every head: its wire in half precision, and its statistics."""
    numbers, a = head_statistics(layer), layer.map()
    return [{"layer": f"{number}: {layer.name}", "number": number, "head": h + 1, "prefix": layer.grid.prefix,
             "stochastic": a.stochastic,
             "wire": wire_arrays(layer.head(h + 1).map().wire((0, 0)), half=True, at=f"{layer.name}, head {h + 1}"),
             "statistics": {name: None if values[h] is None or not math.isfinite(values[h] or 0) else values[h]
                            for name, values in numbers.items()}} for h in range(layer.heads)]


def page_frames(found: Capture, sides: Sides) -> Tensor:
    """The pictures under the heads, or grey paper."""
    T, Y, X = sides
    if found.frames is not None and len(found.frames) == T:
        return found.frames
    return torch.full((T, 3, Y * PATCH, X * PATCH), GREY)
