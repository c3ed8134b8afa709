"""Files as telephones, recorders, cameras and microscopes write them, at tiny sizes: for siblings of one mistake."""
from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import av
import numpy as np

from tests.clips.files import QUIET, picture

Draw = Callable[[int, int, int], np.ndarray | av.VideoFrame]


def draw_frame(i: int, wide: int, high: int) -> np.ndarray:
    """Frame i of a clip in which every frame can be told from every other."""
    frame = picture(i % 10, wide, high)
    frame[high // 2:, :, 1] = np.uint8(40 + 7 * (i % 30))
    return frame


def encode_clip(codec: str = "libx264", kind: str = "mp4", *, stamps: Sequence[int] = tuple(range(12)),
                size: tuple[int, int] = (32, 24), pixels: str = "yuv420p", rate: int = 10, every: int = 250,
                options: dict[str, str] | None = None, draw: Draw = draw_frame, form: str = "rgb24",
                dispositions: Sequence[int] = (), tracks: int = 1, **context: Any) -> bytes:
    """A video as an encoder writes it; `draw(i, wide, high)` gives frame i: its pixels in the format `form`.

    context: attributes of the encoder, as in color_trc=16. tracks: the second shows the frames in reverse, and so on.
    """
    file = io.BytesIO()
    wide, high = size
    with ordinary_priority(), av.open(file, "w", format=kind) as container:
        streams = [container.add_stream(codec, rate=rate) for _ in range(tracks)]
        for n, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt, stream.thread_count = wide, high, pixels, 1
            stream.options, stream.gop_size = QUIET.get(codec, {}) | (options or {}), every
            for name, value in context.items():
                setattr(stream.codec_context, name, value)
            if dispositions:
                stream.disposition = dispositions[n]
        for n, stream in enumerate(streams):
            for i, stamp in enumerate(stamps):
                drawn = draw(i + 5 * n, wide, high)
                frame = drawn if isinstance(drawn, av.VideoFrame) else av.VideoFrame.from_ndarray(drawn, format=form)
                frame.colorspace = context.get("colorspace", frame.colorspace)
                frame = frame.reformat(format=pixels) if pixels != form else frame
                frame.pts = stamp
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return file.getvalue()


@contextlib.contextmanager
def ordinary_priority() -> Iterator[None]:
    """Leave this thread as it was scheduled: SVT-AV1, run as root, makes whoever calls it a real-time thread.

    What such a thread starts inherits that. Two browsers at the highest priority stop everything else on two cores.
    """
    if not hasattr(os, "sched_getscheduler"):       # only Linux has it
        yield
        return
    kind, priority = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, kind, priority)


def cut_copy(data: bytes, seconds: float, kind: str = "mp4", until: float = 1e9, drop: int = 0) -> bytes:
    """A file cut as `ffmpeg -ss SECONDS -to UNTIL -c copy` cuts it: the packets from the key frame before.

    Those before the cut have negative times, which MP4 hides by an edit list. drop: packets that are lost at the start.
    """
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(file, "w", format=kind) as target:
        stream = source.streams.video[0]
        assert stream.time_base is not None
        copy, start = target.add_stream_from_template(stream), round(seconds / stream.time_base)
        source.seek(start, stream=stream)
        for packet in source.demux(stream):
            if packet.dts is None or packet.pts is None or packet.pts * stream.time_base > until:
                continue
            if drop := max(drop, 0):
                drop -= 1
                continue
            packet.pts, packet.dts, packet.stream = packet.pts - start, packet.dts - start, copy
            target.mux(packet)
    return file.getvalue()


def hide_frames(data: bytes, hidden: Sequence[int]) -> bytes:
    """A WebM in VP8 of which some packets are decoded and never shown, as encoders write them for reference."""
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(file, "w", format="matroska") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        for i, packet in enumerate(p for p in source.demux(stream) if p.size):
            content = bytearray(bytes(packet))
            if i in hidden:
                content[0] &= ~0x10  # the bit that says: shown
            changed = av.Packet(bytes(content))
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, copy
            target.mux(changed)
    return file.getvalue()


def every_frame(data: bytes, form: str = "rgb24") -> tuple[list[float], list[np.ndarray]]:
    """The times and the pixels of all frames as PyAV decodes them, without linviz: seconds after the first."""
    with av.open(io.BytesIO(data)) as container:
        frames = [(float(f.pts * f.time_base), f.to_ndarray(format=form)) for f in container.decode(video=0)]
    return [at - frames[0][0] for at, _ in frames], [pixels for _, pixels in frames]


# ---------------------------------------------------------------- pictures


def png_file(pixels: np.ndarray, chunks: dict[bytes, bytes] | None = None) -> bytes:
    """A PNG of grey (Y, X) or colour (Y, X, 3 or 4), in eight or sixteen bits, with chunks before its pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    high, wide = pixels.shape[:2]
    bits, colour = pixels.dtype.itemsize * 8, {2: 0, 3: 2, 4: 6}[pixels.ndim if pixels.ndim == 2 else pixels.shape[2]]
    rows = pixels.astype(pixels.dtype.newbyteorder(">"))
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    header = struct.pack(">IIBBBBB", wide, high, bits, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + b"".join(chunk(kind, data) for kind, data in (chunks or {}).items())
            + chunk(b"IDAT", body) + chunk(b"IEND", b""))


def icc_chunk(profile: bytes) -> bytes:
    """The content of a PNG's iCCP."""
    return b"a\0\0" + zlib.compress(profile)


def icc_profile(primaries: Sequence[tuple[float, float]], gamma: float, white: tuple[float, float] = (0.3127, 0.3290),
                ) -> bytes:
    """An ICC profile (version 2) of a display: its red, green, blue and white by x and y, and its gamma."""
    def xyz(x: float, y: float) -> np.ndarray:
        return np.array([x / y, 1, (1 - x - y) / y])
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = np.array([0.9642, 1.0, 0.8249])
    adapt = np.linalg.inv(cones) @ np.diag((cones @ d50) / (cones @ xyz(*white))) @ cones
    columns = np.array([xyz(*one) for one in primaries]).T
    columns = adapt @ (columns * np.linalg.solve(columns, xyz(*white)))

    def fixed(values: Sequence[float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"a display"
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + bytes(79), b"wtpt": fixed(d50),
            b"rXYZ": fixed(columns[:, 0]), b"gXYZ": fixed(columns[:, 1]), b"bXYZ": fixed(columns[:, 2]),
            b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"cprt": b"text\0\0\0\0free\0"}
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = at + len(body)
    header = (struct.pack(">I", size) + b"lcms" + struct.pack(">I", 0x02400000) + b"mntrRGB XYZ "
              + struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
              + b"".join(struct.pack(">i", round(v * 65536)) for v in d50))
    return header.ljust(128, b"\0") + table + body
