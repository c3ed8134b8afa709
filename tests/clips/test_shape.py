"""A picture keeps its form: pixels that are not square, frames of another size, strips; what is cut off is said."""
from __future__ import annotations

import io
import re
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

import linviz
from linviz import Grid, clips
from linviz.views import SourceFile, View
from linviz.views.load import view_grid
from tests.clips import files
from tests.clips.made_files import draw_frame, encode_clip, png_file
from tests.clips.test_decode import near, pixels

SEED = 13
RATIOS = [Fraction(4, 3), Fraction(8, 9), Fraction(16, 15), Fraction(12, 11), Fraction(2), Fraction(1, 2)]


def stretched(picture: np.ndarray, ratio: Fraction) -> np.ndarray:
    """A picture whose pixels were of this ratio."""
    high, wide = picture.shape[:2]
    return np.asarray(Image.fromarray(picture).resize((round(wide * ratio), high), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("codec, kind", [("libx264", "mp4"), ("libx264", "matroska"), ("mpeg4", "mov"),
                                         ("libx264", "mov"), ("prores_ks", "mov")])
def test_pixels_of_a_video_become_square(codec: str, kind: str) -> None:
    draw = np.random.default_rng([SEED, *codec.encode()])
    for _ in range(2):
        ratio = RATIOS[draw.integers(len(RATIOS))]
        data = encode_clip(codec, kind, stamps=(0, 1), sample_aspect_ratio=ratio,
                           pixels="yuv422p10le" if codec == "prores_ks" else "yuv420p")
        with av.open(io.BytesIO(data)) as container:
            assert container.streams.video[0].sample_aspect_ratio == ratio
        found, wanted = clips.decode_clip(data, "x", 2), stretched(draw_frame(0, 32, 24), ratio)
        assert near(pixels(found)[0], wanted), f"seed {SEED}: {ratio}"
        said = f"its pixels are {ratio.numerator}:{ratio.denominator}, so that it is shown as {wanted.shape[1]} x 24"
        assert said in found.said and "32 x 24 scaled to" in found.said


def test_pixels_are_made_square_before_a_clip_is_turned() -> None:
    data = files.with_matrix(encode_clip(stamps=(0, 1), sample_aspect_ratio=Fraction(2)), 0, 1, -1, 0)
    found = clips.decode_clip(data, "x", 2)
    assert near(pixels(found)[0], np.rot90(stretched(draw_frame(0, 32, 24), Fraction(2)), -1))
    assert "24 x 32 scaled to 24 x 64" in found.said and "it is shown as 24 x 64" in found.said


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_pixels_of_a_picture_become_square(kind: str) -> None:
    """So many pixels per inch across and down: a pixel is as wide as their inverse."""
    for across, down in ((100, 200), (204, 98), (96, 96), (150, 100)):
        data, wanted = files.still(kind, dpi=(across, down)), stretched(files.picture(), Fraction(down, across))
        found = clips.decode_clip(data, "x")
        assert near(pixels(found)[0], wanted), (across, down)
        assert ("its pixels are" in found.said) == (across != down)
    aspect = png_file(files.picture(), {b"pHYs": struct.pack(">IIB", 1, 2, 0)})
    assert clips.decode_clip(aspect, "x").clip.size == (1, 24, 64)
    absurd = png_file(files.picture(), {b"pHYs": struct.pack(">IIB", 1, 2**31, 0)})
    assert clips.decode_clip(absurd, "x").said == "one picture, 32 x 24"


def joined(*parts: bytes) -> bytes:
    """VP9 clips one after another in one track, as a call whose camera was turned is recorded."""
    file, at = io.BytesIO(), 0
    with av.open(file, "w", format="webm") as target:
        copy = None
        for part in parts:
            with av.open(io.BytesIO(part)) as source:
                copy = copy or target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.pts = packet.dts = at
                        packet.stream, at = copy, at + 100
                        target.mux(packet)
    return file.getvalue()


def test_frames_of_another_size_are_whole_and_keep_their_form() -> None:
    draw = np.random.default_rng(SEED)
    for _ in range(3):
        first, second = [tuple(int(n) for n in 2 * draw.integers(12, 40, 2)) for _ in range(2)]
        data = joined(*(encode_clip("libvpx-vp9", "webm", stamps=(0, 1), size=size, pixels="yuv420p")
                        for size in (first, second)))
        found = clips.decode_clip(data, "call.webm", 4)
        assert found.total == 4 and found.clip.size == (4, first[1], first[0]), f"seed {SEED}: {first} {second}"
        scale = min(first[0] / second[0], first[1] / second[1])
        wide, high = round(second[0] * scale), round(second[1] * scale)
        left, top = (first[0] - wide) // 2, (first[1] - high) // 2
        last = pixels(found)[3]
        whole = np.asarray(Image.fromarray(draw_frame(1, *second)).resize((wide, high), Image.Resampling.BILINEAR))
        assert near(last[top:top + high, left:left + wide], whole), f"seed {SEED}: {first} {second}"
        bars = np.ones(last.shape[:2], bool)
        bars[top:top + high, left:left + wide] = False
        assert not last[bars].any() and ("between bars" in found.said) == bool(bars.any())


# ---------------------------------------------------------------- strips


def test_a_long_strip_is_shown_whole() -> None:
    """4000 x 40 pixels in 28 patches along the longer side: a hundred square patches fit better."""
    strip = np.zeros((40, 4000, 3), np.uint8)
    strip[:, ::2] = np.linspace(0, 255, 2000).astype(np.uint8)[None, :, None]
    data = files.still("PNG", strip)
    shown = linviz.view(data, "softmax")
    assert shown.opened.tokens.grid == Grid(1, 1, 100) and "cut off" not in shown.opened.tokens.file_note
    far = files.still("PNG", np.zeros((2, 4000, 3), np.uint8))
    tokens = linviz.view(far, "softmax").opened.tokens
    assert tokens.grid == Grid(1, 1, 112)
    assert tokens.file_note.endswith("3,776 of the 4,000 pixels of its width (94.4 %)")


def test_patches_stay_square_and_what_is_cut_off_is_said() -> None:
    """Sizes and numbers of patches are drawn; a box of square patches is found here by trying all."""
    draw = np.random.default_rng(SEED)
    for _ in range(300):
        long, form = int(draw.integers(40, 1024)), draw.choice([1, 1.5, 1.78, 3, 9, 30, 90]) * draw.uniform(1, 1.3)
        short, patches = max(1, round(long / form)), int(draw.integers(1, 57))
        size = (1, short, long) if draw.random() < 0.5 else (1, long, short)
        view = View(SourceFile("a.png", "0" * 64), patches=patches)
        grid = view_grid(view, size)
        assert max(grid.Y, grid.X) <= 112 and min(grid.Y, grid.X) >= 1
        scale = min(size[1] / grid.Y, size[2] / grid.X)  # pixels in the side of a patch
        lost = 1 - scale**2 * grid.Y * grid.X / (short * long)
        best = min(1 - min(long / short, x) / max(long / short, x) for x in range(1, 113))  # with one patch across
        few = min(grid.Y, grid.X) * long / short  # patches along the longer side that would be right
        assert lost <= max(0.25, best, abs(round(few) - few) / max(few, 1)) + 1e-6 or few > 112, \
            f"seed {SEED}: {size} {patches} {grid}"
        clip = clips.Clip.plain(torch.zeros(1, 3, *size[1:]), "a")
        note = clips.fitting.cut_note(clip, grid)
        top = round(max(size[1] - scale * grid.Y, size[2] - scale * grid.X))
        if note:
            words = re.fullmatch(r".*: ([\d,]+) of the ([\d,]+) pixels of its \w+ \(([\d.]+) %\)", note)
            assert words is not None
            cut, full, share = (float(word.replace(",", "")) for word in words.groups())
            assert abs(cut - top) <= 1 and full in size and abs(share - 100 * lost) <= 100 / full + 0.06
        else:
            assert top <= 1
    assert view_grid(View(SourceFile("a.png", "0" * 64), patches=28), (1, 480, 640)) == Grid(1, 21, 28)
