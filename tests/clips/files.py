"""Small files as people have them, made when they are asked for: pictures, clips, and what is wrong with them."""
from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pillow_heif
from PIL import Image

WIDE, HIGH, COUNT, RATE = 32, 24, 10, 10
CODECS = {"libx264": "mp4", "libx265": "mp4", "libvpx-vp9": "webm", "libvpx": "webm"}
QUIET = {"libx265": {"x265-params": "log-level=none"}, "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"}}


def picture(i: int = 0, wide: int = WIDE, high: int = HIGH) -> np.ndarray:
    """Frame i: red from the left, wider in each; the top left corner is blue."""
    a = np.full((high, wide, 3), 255, np.uint8)
    a[:, :(i + 1) * wide // (COUNT + 1)] = (220, 30, 30)
    a[:high // 3, :wide // 4] = (30, 30, 220)
    return a


def still(kind: str, array: np.ndarray | None = None, mode: str | None = None, **options: Any) -> bytes:
    """One picture in a format of Pillow's."""
    file, image = io.BytesIO(), Image.fromarray(picture() if array is None else array)
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


def heic(**options: Any) -> bytes:
    """One picture as telephones write it."""
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(picture())).save(file, quality=80, **options)
    return file.getvalue()


def animated(kind: str, count: int = COUNT, duration: int | list[int] = 100, array: np.ndarray | None = None) -> bytes:
    """A clip made of pictures, or of one that is brighter by 1 in each frame; each is shown for `duration` ms."""
    arrays = [picture(i) if array is None else array + np.uint8(i) for i in range(count)]
    file, first, *rest = io.BytesIO(), *map(Image.fromarray, arrays)
    first.save(file, kind, save_all=True, append_images=rest, duration=duration, loop=0)
    return file.getvalue()


@lru_cache
def video(codec: str = "libx264", kind: str = "", stamps: Sequence[int] = tuple(range(COUNT)), wide: int = WIDE,
          high: int = HIGH, every: int = 250, pixels: str = "yuv420p", movflags: str = "",
          **options: str) -> bytes:
    """A clip with a frame at each time stamp, in tenths of a second, and a key frame at least `every` so many."""
    file = io.BytesIO()
    how = {"movflags": movflags} if movflags else {}
    with av.open(file, "w", format=kind or CODECS[codec], options=how) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = wide, high, pixels, 1
        stream.options = QUIET.get(codec, {}) | options
        stream.gop_size = every
        for i, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(picture(i % COUNT, wide, high), format="rgb24")
            frame.pts = stamp
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def faststart(data: bytes, folder: Path) -> bytes:
    """The same MP4 with its index before its frames, as for streaming; the writer wants a file for that."""
    with av.open(io.BytesIO(data)) as source, av.open(str(folder / "f.mp4"), "w",
                                                      options={"movflags": "+faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return (folder / "f.mp4").read_bytes()


def with_matrix(data: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """An MP4 whose header says how its frames are to be turned: a pixel goes to (a x + c y, b x + d y)."""
    at = data.index(b"tkhd") + 44
    one = 1 << 16
    return data[:at] + struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30) + data[at + 36:]


def sound() -> bytes:
    """An MP4 that is only heard."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()
