"""What the explorer draws again and again: many maps at once, a frame under attention, a film (goal G12)."""
from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import plotly.graph_objects as go
import torch
from PIL import Image
from plotly.subplots import make_subplots

from linviz.patch_view.heat_png import heat_png
from linviz.patch_view.light import DevelopedPicture
from linviz.patch_view.still import attention_image
from linviz.views.export.film import encode_mp4

from .bench_races import Effort, run_race
from .bench_results import Result, Table

SIDE = 12       # of the grid of maps: 12 layers of 12 heads; 2 to see that it runs
MAP_SIDES = ((14, 50), (64, 13))    # patches along a map, and how much faster than separate traces
DRAWN, FIRST = ("light", "heat"), ", first"   # how a frame is drawn; the name of a run on a new frame
BYTES, FRAME_MS, FILM_TIME, FILM_BYTES = 1 / 3, 10, 1 / 20, 1 / 8


def bench_explorer(effort: Effort) -> Result:
    """144 maps as one picture against 144 plotly traces; a frame of 720p; a film as MP4 against GIF."""
    result = Result("explorer", "What the explorer draws")
    rows = [_compare_grids(result, effort, *case) for case in effort.pick(MAP_SIDES, MAP_SIDES[:1], ((2, 1),))]
    columns = ["patches along a map", "traces, ms", "traces, KB", "one PNG, ms", "one PNG, KB", "traces / PNG"]
    result.tables.append(Table(f"{SIDE * SIDE} maps", columns, rows))
    _measure_frame(result, effort)
    _compare_films(result, effort)
    return result


def random_maps(count: int, side: int) -> np.ndarray:
    """count^2 maps (count, count, side, side) in 0..1."""
    found: np.ndarray = np.random.default_rng(0).random((count, count, side, side), dtype=np.float32)
    return found


def traced_maps(maps: np.ndarray) -> bytes:
    """The maps as a figure of one heat map each, as the browser receives it."""
    figure = make_subplots(*maps.shape[:2])
    for row, column in np.ndindex(maps.shape[:2]):
        figure.add_trace(go.Heatmap(z=maps[row, column], showscale=False), row + 1, column + 1)
    return str(figure.to_json()).encode()


def pictured_maps(maps: np.ndarray) -> bytes:
    """The maps side by side as one PNG picture."""
    return heat_png(maps.transpose(0, 2, 1, 3).reshape(maps.shape[0] * maps.shape[2], -1), 0.0, 1.0)


def _compare_grids(result: Result, effort: Effort, side: int, goal: float) -> list[Any]:
    maps = random_maps(effort.pick(SIDE, SIDE, 2), side)
    race = run_race({"traces": lambda: traced_maps(maps), "picture": lambda: pictured_maps(maps)}, effort.rounds)
    sizes = len(traced_maps(maps)), len(pictured_maps(maps))
    ratio = race.ratio("traces", "picture")
    result.goal("G12", f"{SIDE * SIDE} maps of {side} x {side}: faster than one trace per map", ratio, goal)
    result.goal("G12", f"{SIDE * SIDE} maps of {side} x {side}: bytes, as a part of the traces'", sizes[1] / sizes[0],
                BYTES, least=False, unit="")
    return [side, race.milliseconds("traces"), sizes[0] / 1e3, race.milliseconds("picture"), sizes[1] / 1e3, ratio]


# ---------------------------------------------------------------- a frame and a film


def random_frame(size: tuple[int, int]) -> Image.Image:
    """A smooth picture with a little noise, as photographs have it."""
    draw = np.random.default_rng(0)
    small = Image.fromarray(draw.integers(0, 256, (9, 16, 3), dtype=np.uint8)).resize(size)
    noise = draw.integers(-6, 7, (size[1], size[0], 3))
    return Image.fromarray((np.asarray(small) + noise).clip(0, 255).astype(np.uint8))


def frame_with_attention(frame: Image.Image | DevelopedPicture, weights: torch.Tensor, heat: bool) -> bytes:
    """A frame under weights (Y, X), as JPEG."""
    out = io.BytesIO()
    attention_image(frame, weights, weights.numel(), heat=heat).save(out, "JPEG", quality=85)
    return out.getvalue()


def _measure_frame(result: Result, effort: Effort) -> None:
    frame = random_frame(effort.pick((1280, 720), (1280, 720), (32, 18)))
    weights, shared = torch.softmax(torch.randn(14, 14).flatten() * 2, 0).view(14, 14), DevelopedPicture(frame)
    runs: dict[str, Callable[[], Any]] = {
        f"{name}{which}": partial(frame_with_attention, picture, weights, name == "heat")
        for name in DRAWN for which, picture in (("", shared), (FIRST, frame))}
    race = run_race(runs, effort.rounds)
    size = f"{frame.width} x {frame.height}"
    rows: list[list[Any]] = [[name, race.milliseconds(name), race.milliseconds(name + FIRST)] for name in DRAWN]
    result.tables.append(Table(f"A frame of {size} under attention, as JPEG",
                               ["drawn as", "another map on the frame, ms", "the first map on it, ms"], rows))
    for name in DRAWN:
        result.goal("G12", f"a map on a frame of {size}, drawn as {name}", race.milliseconds(name), FRAME_MS,
                    least=False, unit="ms")
    result.notes.append("What does not depend on the map is made once for a frame, with the first map on it.")


def _compare_films(result: Result, effort: Effort) -> None:
    count, size = effort.pick((32, (640, 360)), (8, (640, 360)), (2, (32, 18)))
    frames = panned_frames(count, size)
    race = run_race({"gif": lambda: gif_bytes(frames), "mp4": lambda: encode_mp4(iter(frames))}, min(effort.rounds, 5))
    sizes = {"gif": len(gif_bytes(frames)), "mp4": len(encode_mp4(iter(frames)))}
    rows: list[list[Any]] = [[name, race.milliseconds(name), sizes[name] / 1e3] for name in sizes]
    result.tables.append(Table(f"A film of {count} frames of {size[0]} x {size[1]}", ["format", "ms", "KB"], rows))
    result.goal("G12", "a film: time, as a part of GIF's", race.ratio("mp4", "gif"), FILM_TIME, least=False)
    result.goal("G12", "a film: bytes, as a part of GIF's", sizes["mp4"] / sizes["gif"], FILM_BYTES, least=False,
                unit="")
    result.notes.append("The film of linviz shows its frames twice and encodes them once; the GIF has them once.")


def panned_frames(count: int, size: tuple[int, int]) -> list[Image.Image]:
    """Frames of a camera that pans over a picture, four pixels a frame."""
    wide = random_frame((size[0] + 4 * count, size[1]))
    return [wide.crop((4 * n, 0, 4 * n + size[0], size[1])) for n in range(count)]


def gif_bytes(frames: list[Image.Image]) -> bytes:
    """The frames as an animated GIF by Pillow."""
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=250)
    return out.getvalue()
