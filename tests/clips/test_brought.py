"""`linviz read` on files of telephones, recorders and microscopes says what PyAV, Pillow and littleCMS say."""
from __future__ import annotations

import io
import json
import re
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from linviz import cli, clips
from tests.clips import files
from tests.clips.made_files import cut_copy, draw_frame, encode_clip, icc_profile, png_file
from tests.clips.test_colour import P3, hdr_clip, hlg_code, pq_code, two_moments
from tests.clips.test_decode import near, pixels

SEED = 20
P3_PROFILE = icc_profile(P3, 2.2)
TENTHS = tuple(range(14))
UNEVEN = (0, 1, 3, 4, 9, 10, 11, 18, 19, 25)
QUIET = {"x265-params": "log-level=none"}


def saved(kind: str, array: np.ndarray | None = None, exif: int = 1, **options: object) -> bytes:
    """A picture as Pillow writes it, turned by EXIF."""
    file, tags = io.BytesIO(), Image.Exif()
    tags[0x0112], tags[0x010F] = exif, "a telephone"
    Image.fromarray(files.picture() if array is None else array).save(file, kind, exif=tags, **options)
    return file.getvalue()


def nits() -> np.ndarray:
    """A few greys, a patch each."""
    return np.random.default_rng(SEED).uniform(1, 300, 4)[:, None].repeat(3, 1)


VIDEOS: dict[str, Callable[[], bytes]] = {
    "telephone, HEVC, held upright.mov": lambda: files.with_matrix(
        encode_clip("libx265", "mov", stamps=TENTHS, every=5, options=QUIET), 0, 1, -1, 0),
    "telephone, H.264, held the other way.mp4": lambda: files.with_matrix(
        encode_clip(stamps=TENTHS, every=5), 0, -1, 1, 0),
    "telephone, trimmed.mov": lambda: cut_copy(encode_clip("libx264", "mov", stamps=TENTHS), 0.45, "mov", until=1.1),
    "telephone, uneven times.mp4": lambda: encode_clip(stamps=UNEVEN, options={"bf": "2"}),
    "telephone, full range.mp4": lambda: encode_clip(stamps=TENTHS, pixels="yuvj420p"),
    "old telephone.3gp": lambda: encode_clip("mpeg4", "3gp", stamps=TENTHS),
    "camera for television, anamorphic.mov": lambda: encode_clip(
        "mpeg4", "mov", stamps=TENTHS, sample_aspect_ratio=Fraction(16, 15)),
    "recorder, 4:4:4.mkv": lambda: encode_clip("libx264", "matroska", stamps=TENTHS, pixels="yuv444p"),
    "recorder, ten bits, BT.709.mp4": lambda: encode_clip(
        "libx265", "mp4", stamps=TENTHS, pixels="yuv420p10le", options=QUIET, color_trc=1, color_primaries=1,
        colorspace=1),
    "recorder in pieces.mp4": lambda: files.video(movflags="frag_keyframe+empty_moov"),
    "browser, VP9.webm": lambda: encode_clip("libvpx-vp9", "webm", stamps=UNEVEN),
    "browser, VP8.webm": lambda: encode_clip("libvpx", "webm", stamps=TENTHS),
    "recorder, AV1.mp4": lambda: encode_clip("libsvtav1", stamps=TENTHS, size=(64, 64),
                                             options={"svtav1-params": "lp=1"}),
    "editor, ProRes 422.mov": lambda: encode_clip("prores_ks", "mov", stamps=TENTHS, pixels="yuv422p10le"),
    "microscope, Motion JPEG.mov": lambda: encode_clip("mjpeg", "mov", stamps=TENTHS, pixels="yuvj422p"),
    "webcam, Motion JPEG.mkv": lambda: encode_clip("mjpeg", "matroska", stamps=TENTHS, pixels="yuvj420p")}
PICTURES: dict[str, Callable[[], bytes]] = {
    "telephone, P3, turned.jpg": lambda: saved("JPEG", exif=6, icc_profile=P3_PROFILE, quality=95),
    "telephone, progressive.jpg": lambda: saved("JPEG", exif=3, progressive=True),
    "telephone, P3.avif": lambda: saved("AVIF", exif=8, icc_profile=P3_PROFILE, quality=95),
    "screenshot, P3.png": lambda: saved("PNG", icc_profile=P3_PROFILE),
    "screenshot, clear.webp": lambda: saved("WEBP", np.dstack([files.picture(), files.picture()[..., :1]])),
    "microscope, 16 bits.tif": lambda: saved("TIFF", files.picture()[..., 0].astype(np.uint16) * 200),
    "microscope, colour.tif": lambda: saved("TIFF", compression="tiff_lzw"),
    "microscope.bmp": lambda: saved("BMP"), "printer.jpg": lambda: files.still("JPEG", mode="CMYK", quality=95),
    "microscope, 16 bits of colour.png": lambda: png_file(files.picture().astype(np.uint16) * 257)}


def read(data: bytes, name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The line in which `linviz read` says what it read."""
    path = folder / name
    path.write_bytes(data)
    assert cli.main(["read", str(path), "--mechanism", "uniform", "--patches", "3", "--frames", "4"]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Read: ")]
    return line.removeprefix("Read: ")


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_what_pyav_says(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = VIDEOS[name]()
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames, ratio = list(container.decode(stream)), stream.sample_aspect_ratio or Fraction(1)
    turn = round(-frames[0].rotation / 90) % 4  # FFmpeg counts anticlockwise
    wide, high = (frames[0].width, frames[0].height)[::-1 if turn % 2 else 1]
    said = read(data, name, tmp_path, capsys)
    assert said.startswith(f"4 of {len(frames)} frames, evenly spaced in time, {wide} x {high}"), said
    seconds = float(re.search(r", (\d+\.\d) s", said)[1])
    times = [float(f.pts * f.time_base - frames[0].pts * f.time_base) for f in frames]
    assert times[-1] <= seconds + 0.051 and seconds <= times[-1] + 1, (times, said)
    found = clips.decode_clip(data, name, 32)
    assert found.times == pytest.approx(times, abs=1e-6) and not found.partial
    assert ("its pixels are" in said) == (ratio != 1) and "HDR" not in said and "honoured" not in said
    for mine, frame in zip(pixels(found), frames, strict=True):
        wanted = np.rot90(frame.to_ndarray(format="rgb24"), -turn)
        if ratio != 1:
            wanted = np.asarray(Image.fromarray(wanted).resize((round(wide * ratio), high)))
        assert near(mine, wanted)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_pillow_and_littlecms_say(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
                                                    ) -> None:
    data = PICTURES[name]()
    with Image.open(io.BytesIO(data)) as image:
        profile = image.info.get("icc_profile")
        image.load()
        upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):
        wanted = (np.asarray(upright) / 257).round().astype(np.uint8)[..., None].repeat(3, -1)
    elif upright.mode == "RGBA":
        white = Image.new("RGBA", upright.size, "white")
        wanted = np.asarray(Image.alpha_composite(white, upright).convert("RGB"))
    elif profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        wanted = np.asarray(ImageCms.profileToProfile(upright, source, ImageCms.createProfile("sRGB")))
    else:
        wanted = np.asarray(upright.convert("RGB"))
    said = read(data, name, tmp_path, capsys)
    assert said.startswith(f"one picture, {upright.width} x {upright.height}") and "profile" not in said
    assert np.abs(pixels(clips.decode_clip(data, name))[0].astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("transfer, encode, words", [(16, pq_code, "HDR (PQ)"), (18, hlg_code, "HDR (HLG)")])
def test_an_hdr_film_of_a_telephone_says_so(transfer: int, encode: Callable[[np.ndarray], np.ndarray], words: str,
                                            tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = read(hdr_clip(encode(nits()), transfer), "night.mov", tmp_path, capsys)
    assert said.startswith("all 2 frames (4 were asked for), 64 x 16, 0.2 s; ") and words in said


def test_what_else_is_brought_is_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = encode_clip(draw=two_moments, size=(64, 48), options={"x264-params": "tff=1"})
    assert "its interlaced fields were made into frames" in read(fields, "tape.mp4", tmp_path, capsys)
    pages = io.BytesIO()
    stack = [Image.fromarray(draw_frame(i, 32, 24)) for i in range(4)]
    stack[0].save(pages, "TIFF", save_all=True, append_images=stack[1:])
    assert "the first of 4 pages is read" in read(pages.getvalue(), "stack.tif", tmp_path, capsys)
    path = tmp_path / "old.avi"
    path.write_bytes(encode_clip("mpeg4", "avi"))
    assert cli.main(["read", str(path)]) != 0
    assert "it is an AVI video, which is not read: export it as MP4 with H.264" in capsys.readouterr().err


@pytest.mark.nightly
@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_is_what_ffprobe_says(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another build of FFmpeg than the one in PyAV: tools/nightly.sh installs it."""
    said = read(data := VIDEOS[name](), name, tmp_path, capsys)
    asked = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_frames", "-show_streams", "-of", "json",
             str(tmp_path / name)]
    answer = json.loads(subprocess.run(asked, check=True, capture_output=True, timeout=60).stdout)
    (stream,), frames = answer["streams"], [f for f in answer["frames"] if f["media_type"] == "video"]
    turned = any(x.get("rotation", 0) % 180 for x in stream.get("side_data_list", []))
    wide, high = (stream["width"], stream["height"])[::-1 if turned else 1]
    assert said.startswith(f"4 of {len(frames)} frames, evenly spaced in time, {wide} x {high}"), said
    times = np.array([float(f["best_effort_timestamp_time"]) for f in frames])
    assert clips.decode_clip(data, name, 32).times == pytest.approx(times - times[0], abs=2e-6)
    ratio = stream.get("sample_aspect_ratio", "1:1")
    assert ("its pixels are" in said) == (ratio not in ("1:1", "0:1", "N/A"))
    assert ratio in said or "its pixels are" not in said
