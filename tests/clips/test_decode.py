"""Somebody's own file becomes a clip, or one sentence says why not; whatever its bytes are, nothing else happens."""
from __future__ import annotations

import io
import re
import struct
import sys
import time
import zlib
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from PIL import Image

from linviz import clips
from linviz.clips import limits, timetable, videos
from linviz.clips.decode import plain_name
from linviz.clips.found import Watched, evenly_spaced
from tests.clips import files
from tests.clips.made_files import icc_profile, png_file

GOOD = {
    "png": lambda: files.still("PNG"), "palette": lambda: files.still("PNG", mode="P"),
    "jpeg": lambda: files.still("JPEG"), "progressive": lambda: files.still("JPEG", progressive=True),
    "webp": lambda: files.still("WEBP"), "gif": lambda: files.animated("GIF"),
    "webp clip": lambda: files.animated("WEBP"), "apng": lambda: files.animated("PNG"), "heic": files.heic,
    "avif": lambda: files.still("AVIF"), "avif clip": lambda: files.animated("AVIF"), "bmp": lambda: files.still("BMP"),
    "tiff": lambda: files.still("TIFF"), "lzw": lambda: files.still("TIFF", compression="tiff_lzw"),
    "clear": lambda: files.video("libvpx-vp9", pixels="yuva420p"), "deep": lambda: png_file(
        files.picture().astype(np.uint16) * 257, {b"tRNS": bytes(6)}),
    "fields": lambda: files.video(**{"x264-params": "tff=1"}), "profile": lambda: files.still(
        "PNG", icc_profile=icc_profile(((0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), 2.2)),
    "mp4": files.video, "mov": lambda: files.video(kind="mov"), "streamed": lambda: files.video(movflags=STREAMED),
    "hevc": lambda: files.video("libx265"), "vp9": lambda: files.video("libvpx-vp9"),
    "vp8": lambda: files.video("libvpx")}
STREAMED = "frag_keyframe+empty_moov"
CLIPS = ("gif", "webp clip", "apng", "avif clip", "mp4", "mov", "streamed", "hevc", "vp9", "vp8", "clear", "fields")


def pixels(found: clips.Decoded) -> np.ndarray:
    """Frames as (T, Y, X, 3), 0..255."""
    return (found.clip.frames * 255).round().byte().permute(0, 2, 3, 1).numpy()


def near(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two pictures show the same, whatever a codec does to edges and colours."""
    return bool((np.abs(a.astype(int) - b).mean() < 12) and (np.abs(a.astype(int) - b).max(-1) < 60).mean() > 0.85)


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("kind", GOOD)
def test_every_format_shows_what_was_put_in(kind):
    found = clips.decode_clip(GOOD[kind](), "a", 4)
    shown = [0, 3, 6, 9] if kind in CLIPS else [0]
    assert len(found.clip.frames) == len(shown) and not found.partial
    assert all(near(got, files.picture(i)) for got, i in zip(pixels(found), shown, strict=True))
    assert found.times == pytest.approx([i / 10 for i in shown])
    words = "4 of 10 frames, evenly spaced in time, 32 x 24, 1.0 s" if kind in CLIPS else "one picture, 32 x 24"
    assert found.said == words + "; its interlaced fields were made into frames" * (kind == "fields")


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9"])
def test_a_frame_is_the_same_whether_the_runs_before_it_are_decoded_or_not(codec):
    """HEVC shows some frames before the key frame that they lie behind: they hang on two runs."""
    data = files.video(codec, stamps=tuple(range(60)), every=8)
    with av.open(io.BytesIO(data)) as container:
        whole = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for count in (2, 3, 7, 32):
        found = clips.decode_clip(data, frames=count)
        wanted = [round(10 * t) for t in found.times]
        assert wanted == evenly_spaced([i / 10 for i in range(60)], count)
        assert all(np.array_equal(got, whole[i]) for got, i in zip(pixels(found), wanted, strict=True))


def test_runs_without_a_kept_frame_are_passed_over():
    file = Watched(files.video(stamps=tuple(range(60)), every=8), 60)
    with videos.open_video(file, "mov") as container:
        table = timetable.video_timetable(container, videos.picture_stream(container), file)
    first, *_, last = table.stamps()
    assert len(table.keys) >= 8 and table.needed([first, last]) == {1, len(table.keys)}
    decoder = videos.RunDecoder(file, "mov", {1, len(table.keys)}, last)
    assert len(decoder.pictures([first, last], fields=False)) == 2 and len(decoder.seen) < 20


def test_frames_of_a_changing_rate_are_taken_by_their_time():
    data = files.video(stamps=(0, 1, 2, 3, 4, 40, 41, 42))
    found = clips.decode_clip(data, "phone.mp4", 4)
    assert found.times == pytest.approx((0, 0.4, 0.4, 4.2))  # moments 0, 1.4, 2.8, 4.2 s: the fifth stays on show
    assert "4 of 8 frames, evenly spaced in time" in found.said
    gif = clips.decode_clip(files.animated("GIF", 4, [100, 1000, 0, 200]), frames=3)
    assert gif.times == pytest.approx((0, 0.1, 1.2)) and gif.said.endswith("1.4 s")  # 0 ms is shown as 0.1 s


def test_fewer_frames_than_asked_for_are_all_taken():
    found = clips.decode_clip(files.animated("GIF", 3), frames=8)
    assert found.said == "all 3 frames (8 were asked for), 32 x 24, 0.3 s" and found.clip.size[0] == 3
    assert clips.decode_clip(files.animated("GIF", 1), frames=8).said == "one picture, 32 x 24"
    assert clips.decode_clip(files.video(stamps=(0,)), frames=8).said == "one frame, 32 x 24, 0.1 s"
    assert clips.decode_clip(files.video(), frames=1).times == (0,)


@pytest.mark.parametrize("orientation, turn", [
    (1, lambda a: a), (2, lambda a: a[:, ::-1]), (3, lambda a: a[::-1, ::-1]), (4, lambda a: a[::-1]),
    (5, lambda a: a.swapaxes(0, 1)), (6, lambda a: np.rot90(a, -1)), (7, lambda a: np.rot90(a, 2).swapaxes(0, 1)),
    (8, lambda a: np.rot90(a))])
def test_exif_orientation_is_obeyed(orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = turn(files.picture())
    for data in (files.still("PNG", exif=exif), files.still("JPEG", exif=exif, quality=95), files.still(
            "WEBP", exif=exif, lossless=True), files.heic(exif=exif.tobytes())):
        found = clips.decode_clip(data)
        assert near(pixels(found)[0], upright)
        assert found.said == "one picture, " + ("24 x 32" if orientation > 4 else "32 x 24")


@pytest.mark.parametrize("matrix, turn", [
    ((0, 1, -1, 0), lambda a: np.rot90(a, -1)), ((-1, 0, 0, -1), lambda a: a[::-1, ::-1]),
    ((0, -1, 1, 0), np.rot90), ((-1, 0, 0, 1), lambda a: a[:, ::-1]), ((0, 1, 1, 0), lambda a: a.swapaxes(0, 1))])
def test_a_videos_matrix_is_obeyed(matrix, turn):
    found = clips.decode_clip(files.with_matrix(files.video(), *matrix), frames=2)
    assert near(pixels(found)[1], turn(files.picture(9)))
    assert ("24 x 32" if matrix[0] == 0 else "32 x 24") in found.said


@pytest.mark.parametrize("image, colour", [
    (Image.new("I;16", (4, 4), 257 * 100), (100, 100, 100)), (Image.new("LA", (4, 4), (0, 0)), (255, 255, 255)),
    (Image.new("RGBA", (4, 4), (0, 0, 0, 51)), (204, 204, 204)), (Image.new("1", (4, 4), 1), (255, 255, 255)),
    (Image.new("L", (4, 4), 7), (7, 7, 7)), (Image.new("P", (4, 4), 0), (0, 0, 0))])
def test_every_way_to_store_colour_becomes_rgb_on_white(image, colour):
    file = io.BytesIO()
    image.save(file, "PNG")
    assert np.abs(pixels(clips.decode_clip(file.getvalue()))[0].astype(int) - colour).max() <= 1


def test_what_printers_and_palettes_store_becomes_rgb():
    data = files.still("JPEG", mode="CMYK", quality=95)
    assert near(pixels(clips.decode_clip(data))[0], files.picture())
    file = io.BytesIO()
    Image.fromarray(files.picture()).convert("P", palette=Image.Palette.ADAPTIVE, colors=4).save(
        file, "GIF", transparency=0)
    clear = pixels(clips.decode_clip(file.getvalue()))[0]
    assert ((clear == 255).all(-1) | near(clear, files.picture())).any()


def test_a_large_picture_is_scaled_down():
    found = clips.decode_clip(files.still("PNG", files.picture(0, 2000, 100)))
    assert found.clip.size == (1, 51, 1024) and found.said == "one picture, 2000 x 100 scaled to 1024 x 51"
    assert near(pixels(found)[0], files.picture(0, 1024, 51))
    assert clips.decode_clip(files.still("JPEG", files.picture(0, 2100, 2100))).clip.size == (1, 1024, 1024)


def test_a_picture_of_one_pixel_is_a_picture():
    assert clips.decode_clip(files.still("PNG", np.array([[[9, 9, 9]]], np.uint8))).clip.size == (1, 1, 1)


@pytest.mark.parametrize("name, shown", [
    ("../../x.png", "x.png"), ("C:\\a\\b.mp4", "b.mp4"), ("", "the file"), ("..", "the file"), ("a\nb\x1b[31m.gif",
    "ab[31m.gif"), ("\u202egnp.exe", "gnp.exe"), ("x" * 10_000 + ".png", "x" * 30 + "...xxx.png"), ("/", "the file")])
def test_a_name_is_short_and_plain_and_decides_nothing(name, shown):
    assert plain_name(name) == shown
    assert clips.decode_clip(files.still("PNG"), name).clip.name == shown
    with pytest.raises(clips.Unreadable, match="^" + re.escape(f"{shown} cannot be read: it is empty")):
        clips.decode_clip(b"", name)


# ---------------------------------------------------------------- what is not


def header_of(wide: int, high: int) -> bytes:
    """The beginning of a PNG of this size."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", b"") + chunk(b"IEND", b""))


def before(what: bytes, data: bytes) -> bytes:
    """A file up to where something begins."""
    return data[:data.index(what) - 4]


@pytest.mark.parametrize("data, sentence", [
    (lambda: bytes(1000), "its format is unknown; choose one of PNG, JPEG, WebP, GIF, HEIC, AVIF, TIFF, BMP, MP4, "),
    (lambda: b"To be, or not to be", "it is text; choose one of PNG, JPEG"),
    (lambda: files.video()[:40], "its index is missing or damaged; perhaps a copy was cut short: copy or download it"),
    (lambda: files.video()[:-900], "its index is missing or damaged"),
    (lambda: files.video("libvpx-vp9")[:300], "its index is missing or damaged"),
    (lambda: before(b"moof", files.video(movflags=STREAMED)), "it has no complete frame"),
    (files.sound, "it has sound but no pictures"),
    (lambda: files.video("rawvideo", "matroska"), "its video codec is not supported"),
    (lambda: header_of(10_000, 10_000), "its picture of 10,000 x 10,000 pixels is too large: the limits are 50"),
    (lambda: header_of(20_000, 20_000), "its picture has far more than 50 megapixels"),
    (lambda: header_of(50_000, 10), "its picture of 50,000 x 10 pixels is too large"),
    (lambda: files.still("PNG")[:60], "it begins like PNG, but it is damaged or cut short"),
    (lambda: files.still("JPEG")[:-200], "it begins like JPEG, but it is damaged or cut short"),
    (lambda: files.heic()[:-50], "it begins like HEIC, but it is damaged or cut short"),
    (lambda: files.animated("GIF")[:40], "it begins like GIF, but it is damaged or cut short")])
def test_what_cannot_be_read_gets_one_sentence(data, sentence):
    with pytest.raises(clips.Unreadable) as left:
        clips.decode_clip(data(), "x.mp4")
    assert str(left.value).startswith(f"x.mp4 cannot be read: {sentence}") and str(left.value).count("\n") == 0
    assert isinstance(left.value, ValueError)


def test_what_breaks_off_is_read_up_to_there(tmp_path: Path):
    fast = files.faststart(files.video(), tmp_path)
    found = clips.decode_clip(fast[:-60], "a.mp4", 4)
    said = r"4 of (\d) frames, .*; it is cut short after \1 of 10 frames: those were read"
    assert found.partial and re.fullmatch(said, found.said)
    web = files.video("libvpx-vp9")
    found = clips.decode_clip(web[:3 * len(web) // 4], "a.webm", 2)
    assert found.partial and re.search(r"is cut short after \d frames", found.said)
    gif = files.animated("GIF")
    found = clips.decode_clip(gif[:len(gif) // 2], "a.gif", 2)
    assert found.partial and re.search(r"is cut short after \d frames", found.said)
    assert near(pixels(found)[0], files.picture(0))


def test_damage_inside_leaves_the_frames_before_it(tmp_path: Path):
    fast = bytearray(files.faststart(files.video("libx265"), tmp_path))
    fast[-60:] = bytes(60)
    found = clips.decode_clip(bytes(fast), "a.mp4", 8)
    assert found.partial and "it is damaged: " in found.said and near(pixels(found)[0], files.picture(0))


def test_a_cover_is_no_video(tmp_path: Path):
    with av.open(io.BytesIO(files.video())) as container:
        assert videos.picture_stream(container).index == 0
        container.streams.video[0].disposition = av.stream.Disposition.attached_pic
        with pytest.raises(clips.Unreadable, match="no pictures"):
            videos.picture_stream(container)


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch):
    long = files.video(stamps=tuple(range(60)), every=8)
    for name, value, said in (("DURATION", 2.0, "; only the first 2.1 s of it were read"),
                              ("FRAMES", 5, "4 of 5 frames"), ("WORKING", 16, "32 x 24 scaled to 16 x 12")):
        with monkeypatch.context() as patch:
            patch.setattr(limits, name, value)
            assert said in clips.decode_clip(long, frames=4).said
    for name, value, said in (("BYTES", 1000, "the limit is 0 MB"), ("VIDEO_PIXELS", 500, "frame of 32 x 24 pix")):
        with monkeypatch.context() as patch, pytest.raises(clips.Unreadable, match=said):
            patch.setattr(limits, name, value)
            clips.decode_clip(long)
    with pytest.raises(ValueError, match="frames must be a whole number from 1 to 32; got 33"):
        clips.decode_clip(long, frames=33)


def test_time_is_kept(monkeypatch: pytest.MonkeyPatch):
    """A clock on which every look takes a second: whatever is read, it ends."""
    def ticking() -> float:
        ticking.now += 1
        return ticking.now
    for kind in GOOD:
        data = GOOD[kind]()
        with monkeypatch.context() as patch:
            patch.setattr("linviz.clips.found.time.monotonic", ticking)
            for seconds in (0, 2, 8, 20, 25, 40):
                ticking.now = 0.0
                try:
                    clips.decode_clip(data, kind, seconds=seconds)
                except clips.Unreadable:
                    pass
                assert ticking.now < 2 * seconds + 60
    with pytest.raises(clips.Unreadable):
        clips.decode_clip(files.video(), seconds=0)


def test_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    for data in GOOD.values():
        clips.decode_clip(data(), "../x")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- whatever the bytes are


def mutated(data: bytes, draw: np.random.Generator) -> bytes:
    """A file after one of six accidents."""
    bytes_, how, at = bytearray(data), draw.integers(6), int(draw.integers(len(data)))
    some = draw.integers(0, 256, draw.integers(1, 40), dtype=np.uint8).tobytes()
    if how == 0:
        for i in draw.integers(0, len(data), 8):
            bytes_[i] = draw.integers(256)
    elif how == 1:
        bytes_[at] ^= 1 << draw.integers(8)
    elif how == 2:
        bytes_[at:at + 16] = bytes([draw.choice([0, 255])]) * len(bytes_[at:at + 16])
    else:
        bytes_[at:{3: len(data), 4: at + len(some), 5: at}[how]] = some if how == 5 else b""
    return bytes(bytes_)


def peak() -> float:
    """The most memory that this process ever had, in MB."""
    info = psutil.Process().memory_info()
    if hasattr(info, "peak_wset"):
        return float(info.peak_wset) / 1e6
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def test_five_hundred_accidents_give_a_clip_or_a_sentence(tmp_path: Path):
    """In this very process: a decoder that crashes on one of these would end the run, and so be seen."""
    good = [*(make() for make in GOOD.values()), files.faststart(files.video(), tmp_path)]
    before, longest, read = peak(), 0.0, 0
    for seed in range(500):
        began = time.perf_counter()
        try:
            found = clips.decode_clip(mutated(good[seed % len(good)], np.random.default_rng(seed)), "x", 4)
            read += 1
            assert 1 <= found.clip.size[0] <= 4 and "\n" not in found.said
        except clips.Unreadable as error:
            assert str(error).startswith("x cannot be read: ") and "\n" not in str(error)
        longest = max(longest, time.perf_counter() - began)
    assert 100 < read < 450 and longest < 10 and peak() - before < 1000
