"""What is transparent is white below, in every format that carries it: held to c a + 1 - a, written out."""
from __future__ import annotations

import io
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from linviz import clips
from tests.clips.made_files import encode_clip, png_file
from tests.clips.test_decode import pixels

SEED = 9
WIDE, HIGH = 32, 24


def draw_opacity(draw: np.random.Generator, levels: tuple[int, ...]) -> np.ndarray:
    """A picture in two halves, each of one colour and one opacity: (Y, X, 4) uint8."""
    out = np.empty((HIGH, WIDE, 4), np.uint8)
    for half in (slice(0, WIDE // 2), slice(WIDE // 2, WIDE)):
        out[:, half] = (*draw.integers(0, 256, 3), draw.choice(levels))
    return out


def on_white(rgba: np.ndarray, top: float = 255) -> np.ndarray:
    """Colours on white paper, 0..255."""
    colour, a = rgba[..., :3] / top, rgba[..., 3:] / top
    return 255 * (colour * a + 1 - a)


def worst(data: bytes, wanted: np.ndarray) -> float:
    """The largest difference away from the edges, where codecs blur, in steps of 255."""
    got = pixels(clips.decode_clip(data, "clear", 2))[0].astype(float)
    at = np.ix_([4, HIGH // 2, HIGH - 5], [5, WIDE // 4, 3 * WIDE // 4, WIDE - 6])
    return float(np.abs(got[at] - wanted[at]).max())


def saved(kind: str, rgba: np.ndarray, **options: Any) -> bytes:
    """What Pillow writes."""
    file = io.BytesIO()
    Image.fromarray(rgba).save(file, kind, **options)
    return file.getvalue()


def heic(rgba: np.ndarray) -> bytes:
    """What a telephone's sticker is."""
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(rgba)).save(file, quality=95)
    return file.getvalue()


def clip(rgba: np.ndarray, codec: str, kind: str, form: str, **options: str) -> bytes:
    """A video of two frames."""
    return encode_clip(codec, kind, stamps=(0, 1), pixels=form, draw=lambda *_: rgba, form="rgba", options=options)


ANY, ON_OFF = (0, 51, 128, 204, 255), (0, 255)
KINDS = {
    "PNG": (lambda a: saved("PNG", a), ANY, 1), "WebP": (lambda a: saved("WEBP", a, lossless=True), ANY, 2),
    "AVIF": (lambda a: saved("AVIF", a, quality=95, subsampling="4:4:4"), ANY, 8), "HEIC": (heic, ANY, 12),
    "TIFF": (lambda a: saved("TIFF", a), ANY, 1), "GIF": (lambda a: saved("GIF", a), ON_OFF, 8),
    "16-bit PNG": (lambda a: png_file(a.astype(np.uint16) * 257), ANY, 1),
    "VP9": (lambda a: clip(a, "libvpx-vp9", "webm", "yuva420p", crf="4"), ANY, 12),
    "VP8": (lambda a: clip(a, "libvpx", "webm", "yuva420p", **{"auto-alt-ref": "0", "crf": "4"}), ANY, 12),
    "ProRes 4444": (lambda a: clip(a, "prores_ks", "mov", "yuva444p10le", profile="4444"), ANY, 8)}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_transparent_is_white_below(kind: str) -> None:
    make, levels, slack = KINDS[kind]
    draw = np.random.default_rng([SEED, *kind.encode()])
    for n in range(3):
        rgba = draw_opacity(draw, levels)
        assert worst(make(rgba), on_white(rgba)) <= slack, f"seed {SEED}, {kind}, picture {n}: {rgba[0, ::16]}"


@pytest.mark.parametrize("deep", [np.uint8, np.uint16])
@pytest.mark.parametrize("colours", [1, 3])
def test_one_colour_of_a_png_is_transparent_in_all_its_bits(deep: type, colours: int) -> None:
    """tRNS names one number; its neighbours, also those with the same upper eight bits, stay."""
    draw, top = np.random.default_rng([SEED, colours]), np.iinfo(deep).max
    for _ in range(3):
        clear = draw.integers(0, top - 2, colours)
        whole = np.broadcast_to(clear, (HIGH, WIDE, colours)).astype(deep)
        whole[:, WIDE // 2:] += deep(1)  # another colour, by one step
        data = png_file(whole[..., 0] if colours == 1 else whole, {b"tRNS": clear.astype(">u2").tobytes()})
        wanted = np.broadcast_to(whole / top * 255, (HIGH, WIDE, 3)).copy()
        wanted[:, :WIDE // 2] = 255
        assert worst(data, wanted) <= 1, f"seed {SEED}: {clear} of {top}"
