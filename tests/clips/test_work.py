"""How much of a file is decoded depends on the file alone; a clip is decoded once; its frames are counted in words."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import GifImagePlugin

import linviz
from explorer.concentrate import own_file
from linviz import clips
from linviz.clips import limits, videos
from linviz.clips.found import Watched
from linviz.views import View
from linviz.views.state import OWN_CLIP_PATCHES
from tests.clips import files
from tests.clips.made_files import encode_clip
from tests.clips.test_decode import pixels

SEED = 15
DARK = np.zeros((24, 32, 3), np.uint8)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames of GIFs that Pillow decodes, in order."""
    seen: list[int] = []
    plain = GifImagePlugin.GifImageFile.load_prepare

    def load_prepare(self: Any) -> None:
        seen.append(self.tell())
        plain(self)
    monkeypatch.setattr(GifImagePlugin.GifImageFile, "load_prepare", load_prepare)
    return seen


def test_a_long_gif_is_bounded_by_work_however_slow_the_machine_is(
        monkeypatch: pytest.MonkeyPatch, loads: list[int]) -> None:
    """A clock on which every look takes a hundredth of a second shows the same as the right one."""
    data = files.animated("GIF", 200, 40, DARK)
    now = [0.0]

    def slow() -> float:
        now[0] += 0.01
        return now[0]
    quick = clips.decode_clip(data, "long.gif", 8)
    monkeypatch.setattr("linviz.clips.found.time.monotonic", slow)
    again = clips.decode_clip(data, "long.gif", 8)
    assert again.said == quick.said == "8 of 200 frames, evenly spaced in time, 32 x 24, 8.0 s"
    assert np.array_equal(pixels(again), pixels(quick))
    monkeypatch.setattr(limits, "PICTURE_WORK", 50 * 32 * 24)
    loads.clear()
    cut = clips.decode_clip(data, "long.gif", 8)
    assert cut.total == 50 and cut.partial and max(loads) < 50
    assert "the rest, from 2.0 s on, is beyond the limit and was not read" in cut.said


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_every_frame_of_pictures_is_decoded_once(kind: str, monkeypatch: pytest.MonkeyPatch, loads: list[int]) -> None:
    data = files.animated(kind, 12, array=DARK)
    whole = clips.decode_clip(data, "x", 5)
    if kind == "GIF":
        assert loads == sorted(set(loads)) and len(loads) == 12
    monkeypatch.setattr(limits, "KEPT_BYTES", 3 * 32 * 24 * 3)
    small = clips.decode_clip(data, "x", 5)
    assert small.said == whole.said and np.array_equal(pixels(small), pixels(whole))


def test_a_long_video_is_bounded_by_work(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(SEED)
    data = encode_clip(stamps=tuple(range(80)), options={"sc_threshold": "0"})  # one run: the last needs all
    for _ in range(3):
        most = int(draw.integers(8, 70))
        monkeypatch.setattr(limits, "VIDEO_WORK", most * 32 * 24)
        decoded: list[int] = []
        plain = videos.RunDecoder._unpack
        with monkeypatch.context() as patch:
            patch.setattr(videos.RunDecoder, "_unpack", lambda self, context, packet, plain=plain, decoded=decoded:
                          (decoded.append(packet is not None), plain(self, context, packet))[1])
            found = clips.decode_clip(data, "x", 5)
        assert sum(decoded) <= most + 6 and found.partial, f"seed {SEED}: {most} frames"
        assert "only the first" in found.said and len(found.clip.frames) == 5
        assert found.total >= most // 2


def test_a_file_is_decoded_once_by_every_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    counted: list[str] = []
    for name in ("read_video", "read_pictures", "unpack_clip"):
        plain = getattr(clips.decode, name)
        monkeypatch.setattr(clips.decode, name, lambda *given, name=name, plain=plain: (
            counted.append(name), plain(*given))[1])

    def page() -> object:
        upload = own_file.read_upload(files.video(), "a.mp4", 8)
        return own_file.own_scene(View(upload.source, patches=OWN_CLIP_PATCHES), upload)
    path = tmp_path / "a.mp4"
    path.write_bytes(files.video())
    for make in (lambda: linviz.view(path, "softmax", patches=7).opened,
                 lambda: linviz.view(path, "softmax").opened,
                 lambda: linviz.view(files.animated("GIF", 3), "softmax").opened,
                 lambda: linviz.view(files.still("PNG"), "softmax").opened,
                 lambda: linviz.view(np.random.default_rng(0).random((3, 32, 32, 3), np.float32), "softmax").opened,
                 page):
        counted.clear()
        make()
        assert len(counted) == 1, counted


def test_a_clip_shows_best_at_its_own_patches_without_being_decoded() -> None:
    for data, moving in ((files.video(), True), (files.video(stamps=(0,)), False), (files.animated("GIF"), True),
                         (files.still("JPEG"), False), (files.heic(), False), (files.animated("AVIF"), True),
                         (clips.pack_clip(clips.load("pan", frames=2)), True)):
        assert clips.decode.is_moving(data, "x") == moving == (clips.decode_clip(data, "x").total > 1)
    with pytest.raises(clips.Unreadable, match="x.png cannot be read: it is empty"):
        clips.decode.is_moving(b"", "x.png")


def test_frames_are_counted_in_the_same_words_everywhere() -> None:
    draw = np.random.default_rng(SEED)
    for total in draw.integers(2, 12, 3).tolist():
        packed = clips.pack_clip(clips.Clip.plain(torch.rand(total, 3, 24, 32), "x"))
        for data in (files.animated("GIF", total), files.video(stamps=tuple(range(total))), packed):
            for asked in (1, total - 1, total, total + 5):
                said = clips.decode_clip(data, "x", asked).said.split(", 32 x 24")[0]
                wanted = (f"all {total} frames ({asked} were asked for)" if asked > total else
                          f"all {total} frames" if asked == total else
                          f"{asked} of {total} frames, evenly spaced in time")
                assert said == wanted, f"seed {SEED}"


def test_the_time_limit_is_a_last_resort() -> None:
    assert limits.SECONDS >= 60 and Watched(b"", limits.SECONDS).late() is False
