"""Which frames a video has and when each is shown: held to PyAV, which decodes every frame, over many cuts."""
from __future__ import annotations

import numpy as np
import pytest

from linviz import clips
from linviz.clips.found import evenly_spaced
from tests.clips.made_files import cut_copy, encode_clip, every_frame, hide_frames
from tests.clips.test_decode import pixels

SEED = 13
CODECS = {
    "h264": ("libx264", "mp4", {}), "open h264": ("libx264", "mp4", {"x264-params": "open-gop=1:bframes=3"}),
    "hevc": ("libx265", "mp4", {"x265-params": "log-level=none:open-gop=1:bframes=3"}),
    "mpeg4": ("mpeg4", "mp4", {"bf": "2"}), "mjpeg": ("mjpeg", "mov", {}), "vp9": ("libvpx-vp9", "webm", {}),
    "vp8": ("libvpx", "webm", {"auto-alt-ref": "1", "lag-in-frames": "12", "arnr-maxframes": "5"})}

INTO = {"libvpx": ["matroska"], "libvpx-vp9": ["mp4", "matroska"], "mjpeg": ["mov", "matroska"]}  # the others cannot


def is_what_pyav_says(data: bytes, count: int) -> str:
    """Whether the frames, their times and their number are PyAV's; what is wrong, or nothing."""
    times, whole = every_frame(data)
    found = clips.decode_clip(data, "cut", count)
    chosen = evenly_spaced(times, count)
    if found.total != len(times) or found.partial:
        return f"{len(times)} frames, but {found.said}"
    if not np.allclose(found.times, [times[i] for i in chosen], atol=1e-6):
        return f"{found.times} are not {[times[i] for i in chosen]}"
    same = [np.array_equal(mine, whole[i]) for mine, i in zip(pixels(found), chosen, strict=True)]
    return "" if all(same) else f"other pixels: {same}"


@pytest.mark.parametrize("name", CODECS)
def test_every_frame_of_a_cut_is_pyav_s(name: str) -> None:
    codec, kind, options = CODECS[name]
    draw = np.random.default_rng([SEED, *name.encode()])
    wrong = {}
    for _ in range(4):
        count, every = int(draw.integers(14, 30)), int(draw.choice([4, 9, 250]))
        steps = np.cumsum(draw.integers(1, 4, count)) if draw.random() < 0.4 else np.arange(count)
        data = encode_clip(codec, kind, stamps=steps.tolist(), every=every, options=options,
                           pixels="yuvj420p" if codec == "mjpeg" else "yuv420p")
        at = float(draw.uniform(0, 0.08 * count))
        to = draw.choice(INTO.get(codec, ["mp4", "mov", "matroska"]))
        cut = cut_copy(data, at, str(to))
        for asked in (32, 5):
            if said := is_what_pyav_says(cut, asked):
                wrong[f"{count} frames, a key every {every}, cut at {at:.3f} s into {to}, {asked} asked"] = said
    assert not wrong, f"seed {SEED}, {name}: {wrong}"


def test_a_cut_that_hides_its_key_frame_is_whole() -> None:
    """24 frames at 10 per second and one key frame, cut at 1.2 s without encoding: twelve frames are shown."""
    cut = cut_copy(encode_clip(stamps=tuple(range(24))), 1.2)
    found = clips.decode_clip(cut, "cut.mp4", 32)
    assert found.said == "all 12 frames (32 were asked for), 32 x 24, 1.2 s" and not found.partial


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_a_recording_that_begins_between_two_key_frames_begins_where_it_can_be_decoded(codec: str) -> None:
    data = cut_copy(encode_clip(codec, stamps=tuple(range(24)), every=10), 0, "matroska", drop=4)
    assert not is_what_pyav_says(data, 32)


def test_packets_that_are_never_shown_are_no_frames() -> None:
    draw = np.random.default_rng(SEED)
    for _ in range(3):
        count, every = int(draw.integers(14, 30)), int(draw.choice([5, 250]))
        plain = encode_clip("libvpx", "webm", stamps=tuple(range(count)), every=every)
        hidden = draw.choice(np.arange(1, count), int(draw.integers(1, count // 2)), replace=False)
        data = hide_frames(plain, hidden.tolist())
        assert len(every_frame(data)[0]) == count - len(hidden)
        for asked in (32, 5):
            said = is_what_pyav_says(data, asked)
            assert not said, f"seed {SEED}: {count} frames without {sorted(hidden)}: {said}"
