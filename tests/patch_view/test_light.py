"""The light: an unlit picture can be read, a lit patch shows on black, grey and white, and the ring hides nothing."""
from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import interpolate

from linviz import Grid
from linviz.palette import DIVERGING, SEQUENTIAL
from linviz.patch_view import Panel, pack
from linviz.patch_view.blob import frame_image
from linviz.patch_view.light import FULL, LIGHT, LUMA, DevelopedPicture, light_image
from linviz.patch_view.still import attention_image, ramp_colours, ring_radius
from linviz.views import View, open_view
from linviz.views.row_stats import query_row

from .harness import Sent, panel, show, uniform

SIDE = 24  # keys of the small maps below


def luma(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), dtype=float) @ np.array(LUMA)


def lit(shade: int, x: float) -> np.ndarray:
    """A grey picture under the weight x FULL / S, one pixel of it."""
    picture = Image.new("RGB", (8, 8), (shade,) * 3)
    return np.asarray(light_image(picture, torch.full((2, 2), x * FULL / SIDE), SIDE), dtype=float)[4, 4]


def test_the_opening_is_bright_enough_and_what_is_lit_stands_out():
    opened = open_view(View(specs=("softmax",)))
    row, photo = query_row(opened.panels[0].map, opened.query), frame_image(opened.picture.frames[0])
    weights = opened.grid.fold(row[:, None])[0, ..., 0]
    shown, unlit = (luma(light_image(photo, a, len(row))) for a in (weights, torch.zeros_like(weights)))
    x = np.asarray(Image.fromarray((weights * len(row) / FULL).clamp(0, 1).float().numpy()).resize(
        photo.size, Image.Resampling.BILINEAR))
    assert 50 <= shown.mean() <= 65 and unlit.mean() > 40
    assert (shown - unlit)[x >= 0.5].min() > 0 and (shown - unlit)[x >= 0.5].mean() >= 60


@pytest.mark.parametrize("shade, from_dark", [(0, 6), (128, 20), (255, 30)])
def test_light_shows_on_black_grey_and_white(shade, from_dark):
    dark, fair, full = (lit(shade, x) for x in (0, 1 / FULL, 1))
    assert np.abs(full - dark).max() >= 60 and np.abs(fair - dark).max() >= from_dark
    assert np.abs(full - fair).max() >= 80


@pytest.mark.parametrize("tone", ["root", "linear", "log"])
def test_still_and_browser_paint_the_same_picture(page, tone):
    """Every shade of grey and three colours, under weights from nothing to twice what is fully bright."""
    grid = Grid(1, 8, 8)
    ramp = torch.linspace(0, 1, 8 * 40).repeat(8 * 40, 1)
    frame = torch.stack([ramp, ramp.T, ramp.flip(0, 1)])
    row = torch.linspace(0, 2, 64) ** 2 / 4 * 2 * FULL / 64
    wire = {"kind": "factored", "left": torch.ones(64, 1), "right": row[:, None]}
    clip = SimpleNamespace(frames=frame[None])
    show(page, pack([Panel("a", "kernel", Sent(wire, stochastic=False))], clip, grid, query=0, tone=tone))
    data = page.evaluate("""async () => {
      const mask = document.getElementById('view').shadowRoot.querySelector('.main canvas');
      const blob = await new Promise(go => mask.toBlob(go)), text = new FileReader();
      text.readAsDataURL(blob); await new Promise(go => text.onload = go); return text.result.split(",")[1]; }""")
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
    jpeg = io.BytesIO()
    frame_image(frame).save(jpeg, "JPEG", quality=88)
    want = np.asarray(light_image(Image.open(jpeg), row.reshape(8, 8), 64, tone)).astype(int)
    assert drawn.shape == want.shape and np.abs(drawn - want).max() <= 2


def rule_by_pixel(image: Image.Image, weights: torch.Tensor, keys: int, heat: bool, signed: bool) -> np.ndarray:
    """The rule of light.py and still.py in plain float64, pixel by pixel."""
    x = (weights.abs().double() * keys / FULL).clamp(0, 1)
    e, size = x**LIGHT["root"], (image.height, image.width)
    c, grey = (np.asarray(image.convert(mode), dtype=float) for mode in ("RGB", "L"))
    if heat or signed:
        colour = ramp_colours(DIVERGING, .5 + weights.sign() * e / 2) if signed else ramp_colours(
            SEQUENTIAL["viridis"], e)
        alpha = torch.full_like(e, 205 / 255) if signed else 235 / 255 * (1.6 * e).clamp_max(1)
        *top, over = interpolate(torch.cat([colour * alpha, alpha[None]])[None], size, mode="bilinear")[0].numpy()
        under = grey[..., None] if signed else 0.42 * (0.1 * c + 0.9 * grey[..., None])
        return 255 * np.stack(top, -1) + under * (1 - over[..., None])
    t, x = interpolate(torch.stack([e, x])[None], size, mode="bilinear")[0, ..., None].numpy()
    low, gain = LIGHT["night"]
    night = (low + gain * (c / 255) @ np.array(LUMA))[..., None] * LIGHT["tint"]
    out = (1 - t) * night + t * (c / 255) ** LIGHT["day"]
    return 255 * (1 - (1 - out) * (1 - np.array(LIGHT["lamp"]) * x))


@pytest.mark.parametrize("how, size", [({}, (97, 53)), ({}, (5, 3)), ({"heat": True}, (97, 153)),
                                       ({"signed": True}, (97, 53))])
def test_pictures_are_painted_within_two_levels_of_the_rule(how, size):
    draw = np.random.default_rng(0)
    image = Image.fromarray(draw.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    weights = torch.from_numpy(draw.standard_normal((2, 6)) / 2)
    weights = weights if "signed" in how else weights.abs()
    shared = DevelopedPicture(image)
    apart = [np.abs(np.asarray(attention_image(picture, weights, 12, **how), dtype=float)
                    - rule_by_pixel(image, weights, 12, "heat" in how, "signed" in how)).max()
             for picture in (image, shared, shared)]
    assert max(apart) <= 2 and apart[1] == apart[2]


@pytest.mark.parametrize("side", [4, 28, 56])
def test_the_ring_lies_around_the_patch_and_hides_nothing_of_it(page, side):
    grid = Grid(1, side, side)
    show(page, pack([panel(uniform(side * side))], SimpleNamespace(frames=torch.ones(1, 3, 8 * side, 8 * side)), grid,
                    query=grid.number(0, side // 2, side // 2)))
    ring, main = (page.locator(name).bounding_box() for name in (".ring", ".main"))
    corner = 2**0.5 / 2 * main["width"] / side
    assert ring["width"] / 2 - 2.5 >= corner, "1.5 of line and 1 of its dark edge lie outside of the patch's corners"
    assert ring_radius(grid, 320.0) - 2 >= 2**0.5 / 2 * 320 / side
