"""Which formats are read, what the others are called, and which of a file's pictures and tracks counts."""
from __future__ import annotations

import io
import os

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from linviz import clips
from tests.clips import files
from tests.clips.made_files import cut_copy, draw_frame, encode_clip
from tests.clips.test_decode import near, pixels

SEED = 10


def saved(kind: str, image: Image.Image, **options: object) -> bytes:
    """What Pillow writes."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["AVIF", "TIFF", "BMP"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "RGBA"])
def test_avif_tiff_and_bmp_are_read(kind: str, mode: str) -> None:
    """In each mode in which Pillow writes them, at sizes and in colours that are drawn."""
    draw = np.random.default_rng([SEED, *kind.encode(), *mode.encode()])
    high, wide = draw.integers(8, 40, 2)
    image = Image.fromarray(draw.integers(0, 256, (2, 2, 3), dtype=np.uint8)).resize((wide, high)).convert(mode)
    exact = {"quality": 95, "subsampling": "4:4:4"} if kind == "AVIF" else {}
    found = clips.decode_clip(saved(kind, image, **exact), "x")
    assert near(pixels(found)[0], np.asarray(image.convert("RGB"))), f"seed {SEED}"
    assert found.said == f"one picture, {wide} x {high}"


@pytest.mark.parametrize("options", [
    {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"compression": "packbits"},
    {"compression": "jpeg"}, {"big_tiff": True}, {"exif": 6}, {"exif": 3}], ids=str)
def test_a_tiff_is_read_however_it_is_packed_and_turned(options: dict[str, object]) -> None:
    image = Image.fromarray(files.picture())
    if turn := options.get("exif"):
        exif = Image.Exif()
        exif[0x0112] = turn
        options = {"exif": exif}
    wanted = {6: lambda a: np.rot90(a, -1), 3: lambda a: a[::-1, ::-1]}.get(turn, lambda a: a)(files.picture())
    found = clips.decode_clip(saved("TIFF", image, **options), "x.tif")
    assert near(pixels(found)[0], wanted)
    assert found.said == f"one picture, {wanted.shape[1]} x {wanted.shape[0]}"


def test_a_microscope_s_grey_numbers_are_shown_in_eight_bits() -> None:
    draw = np.random.default_rng(SEED)
    deep = draw.integers(0, 65536, (20, 30), dtype=np.uint16)
    for kind in ("TIFF", "PNG"):
        got = pixels(clips.decode_clip(saved(kind, Image.fromarray(deep)), "x"))[0]
        assert np.abs(got - (deep / 257)[..., None]).max() <= 0.5
    light = draw.random((20, 30), dtype=np.float32)
    got = clips.decode_clip(saved("TIFF", Image.fromarray(light)), "x")
    assert np.abs(pixels(got)[0] - light[..., None] * 255).max() <= 0.51 and got.said == "one picture, 30 x 20"
    got = clips.decode_clip(saved("TIFF", Image.fromarray(light * 900 - 100)), "x")
    assert pixels(got)[0].min() == 0 and pixels(got)[0].max() == 255 and "shown as white and black" in got.said


def test_of_several_pages_the_first_is_read_and_the_others_are_named() -> None:
    pages = [Image.fromarray(files.picture(i)) for i in range(5)]
    found = clips.decode_clip(saved("TIFF", pages[0], save_all=True, append_images=pages[1:]), "stack.tif")
    assert found.said == "one picture, 32 x 24; the first of 5 pages is read"
    assert near(pixels(found)[0], files.picture())


def test_an_avif_sequence_has_its_frames_at_its_times() -> None:
    draw = np.random.default_rng(SEED)
    for _ in range(2):
        waits = draw.choice([40, 100, 250], int(draw.integers(3, 9))).tolist()
        frames = [Image.fromarray(files.picture(i)) for i in range(len(waits))]
        data = saved("AVIF", frames[0], save_all=True, append_images=frames[1:], duration=waits)
        found = clips.decode_clip(data, "x.avifs", 32)
        assert found.times == pytest.approx(np.cumsum([0, *waits[:-1]]) / 1000), f"seed {SEED}: {waits}"
        assert all(near(got, files.picture(i)) for i, got in enumerate(pixels(found)))


@pytest.mark.parametrize("kind", ["avif", "avis"])
def test_an_avif_of_ffmpeg_is_no_mp4(kind: str) -> None:
    data = encode_clip("libsvtav1", "avif", stamps=(0,) if kind == "avif" else (0, 1, 2), size=(64, 64),
                       options={"svtav1-params": "lp=1"})
    found = clips.decode_clip(data, "x.avif")
    assert len(found.clip.frames) == (1 if kind == "avif" else 3) and near(pixels(found)[0], draw_frame(0, 64, 64))


def test_an_av1_encoder_leaves_no_thread_at_the_highest_priority() -> None:
    scheduled = getattr(os, "sched_getscheduler", lambda process: process)      # only Linux has it
    before = scheduled(0)
    encode_clip("libsvtav1", stamps=(0,), size=(64, 64), options={"svtav1-params": "lp=1"})
    assert scheduled(0) == before


# ---------------------------------------------------------------- what is refused

NAMED = {
    "an AVI video": lambda: encode_clip("mpeg4", "avi"), "an FLV video": lambda: encode_clip("libx264", "flv"),
    "an MPEG transport stream": lambda: encode_clip("libx264", "mpegts"),
    "an MPEG programme stream": lambda: encode_clip("mpeg2video", "mpeg", rate=25),
    "a Windows Media file": lambda: encode_clip("mpeg4", "asf"),
    "a video stream without": lambda: encode_clip("libx264", "h264"),
    "a JPEG XL picture": lambda: b"\xff\x0a" + bytes(50), "a PDF document": lambda: saved(
        "PDF", Image.new("RGB", (9, 9))), "a JPEG 2000 picture": lambda: saved("JPEG2000", Image.new("RGB", (9, 9))),
    "a PPM or PGM picture": lambda: saved("PPM", Image.new("RGB", (9, 9))),
    "an SVG drawing": lambda: b"<?xml version='1.0'?>\n<!-- drawn -->\n<svg xmlns='http://www.w3.org/2000/svg'/>",
    "an icon": lambda: saved("ICO", Image.new("RGB", (16, 16))),
    "a PostScript file": lambda: saved("EPS", Image.new("RGB", (9, 9))),
    "a camera's raw picture": lambda: b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(50)}


@pytest.mark.parametrize("named", NAMED)
def test_what_is_not_read_is_named_with_what_to_do(named: str) -> None:
    with pytest.raises(clips.Unreadable, match=f"^x.mp4 cannot be read: it is {named}") as left:
        clips.decode_clip(NAMED[named](), "x.mp4")
    said = str(left.value)
    assert ", which is not read: " in said and said.count("\n") == 0
    assert said.endswith(("export it as MP4 with H.264", "save it as PNG or JPEG", "save it as PNG", "page as PNG"))


# ---------------------------------------------------------------- which picture, which track


def test_a_default_picture_is_no_frame_of_an_animated_png() -> None:
    draw = np.random.default_rng(SEED)
    for _ in range(3):
        count = int(draw.integers(2, 9))
        frames = [Image.fromarray(files.picture(i)) for i in range(count)]
        other = Image.new("RGB", frames[0].size, "magenta")
        data = saved("PNG", other, save_all=True, append_images=frames, default_image=True, duration=100)
        with av.open(io.BytesIO(data), format="apng") as container:
            whole = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        found = clips.decode_clip(data, "x.png", 32)
        assert found.total == count == len(whole), f"seed {SEED}: {count} frames"
        assert all(np.array_equal(*pair) for pair in zip(pixels(found), whole, strict=True))
        assert found.times == pytest.approx([i / 10 for i in range(count)])


def test_an_animated_png_of_one_frame_beside_its_default_picture() -> None:
    data = saved("PNG", Image.new("RGB", (32, 24), "magenta"), save_all=True, default_image=True, duration=100,
                 append_images=[Image.fromarray(files.picture(3))])
    assert near(pixels(clips.decode_clip(data, "x.png"))[0], files.picture(3))


@pytest.mark.parametrize("kind", ["matroska", "mp4"])
def test_the_track_marked_as_default_is_read(kind: str) -> None:
    draw = np.random.default_rng([SEED, *kind.encode()])
    for _ in range(3):
        tracks = int(draw.integers(2, 4))
        best = int(draw.integers(tracks))
        marks = [int(Disposition.default if n == best else Disposition(0)) for n in range(tracks)]
        data = encode_clip("libx264", kind, tracks=tracks, dispositions=marks, stamps=(0, 1, 2))
        found = clips.decode_clip(data, "x", 3)
        with av.open(io.BytesIO(data)) as container:
            wanted = [f.to_ndarray(format="rgb24") for f in container.decode(container.streams.best("video"))]
        assert all(np.array_equal(*pair) for pair in zip(pixels(found), wanted, strict=True)), f"seed {SEED}: {marks}"
        assert f"of {tracks} video tracks" in found.said


def test_a_recording_cut_into_webm_is_one_track() -> None:
    assert "tracks" not in clips.decode_clip(cut_copy(encode_clip(), 0.3, "matroska"), "x").said
