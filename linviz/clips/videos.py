"""Videos (MP4, MOV, WebM) read by PyAV from memory: first the times of all frames, then the frames that are kept.

The first pass decodes nothing, so half a minute of video takes milliseconds. The second pass begins at the key frame
that a kept frame needs, and skips every run of frames in which none is kept: telephones begin a run every second.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import limits
from .found import AGAIN, Found, Unreadable, Watched, check_size, evenly_spaced, working_size
from .timetable import read_packets, video_timetable

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

CODECS = ("h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mjpeg", "prores")
OPTIONS = {"codec_whitelist": ",".join(CODECS), "max_pixels": str(limits.VIDEO_PIXELS)}


def read_video(file: Watched, kind: str, count: int) -> Found:
    """At most `count` frames of a video, evenly spaced in time; `kind` is FFmpeg's name of the format."""
    with open_video(file, kind) as container:
        table = video_timetable(container, picture_stream(container), file)
    starts, stamps = table.starts(), sorted(table.runs)
    chosen = evenly_spaced(starts, count)
    wanted = [stamps[i] for i in chosen]
    with open_video(file, kind) as container:
        shown = list(display_frames(frames_at(decode_runs(container, table.needed(wanted), file), wanted)))
    if not shown:
        raise Unreadable(f"none of its frames can be decoded: it is damaged, so {AGAIN}")
    if file.late():
        table.notes.append(f"decoding was stopped after {file.seconds:.0f} s, with {len(shown)} of {len(chosen)}")
    elif lost := len(chosen) - sum(picture.stamp == stamp for picture, stamp in zip(shown, wanted)):
        table.notes.append(f"it is damaged: {lost} of the chosen frames cannot be decoded")
    return Found([p.pixels for p in shown], [starts[i] for i in chosen[:len(shown)]], len(starts), table.end,
                 shown[0].size, table.notes)


def open_video(file: Watched, kind: str) -> InputContainer:
    """The file from its beginning. Only `kind` is tried, so no playlist or script in it can open other files."""
    try:
        import av
    except ImportError as error:
        raise Unreadable("videos need PyAV: pip install 'linviz[video]'") from error
    file.seek(0)
    try:
        return av.open(file, "r", format=kind, options=OPTIONS, metadata_errors="replace")
    except av.error.FFmpegError as error:
        raise Unreadable(f"its index is missing or damaged; perhaps a copy was cut short: {AGAIN}") from error


def picture_stream(container: InputContainer) -> VideoStream:
    """The video stream; the cover picture of a piece of music does not count."""
    from av.stream import Disposition
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise Unreadable("it has sound but no pictures" if container.streams.audio else "it has no pictures")
    context = streams[0].codec_context
    if context is None or context.name not in CODECS:
        raise Unreadable("its video codec is not supported: export it as MP4 with H.264")
    check_size(context.width, context.height, limits.VIDEO_PIXELS, "frame")
    return streams[0]


# ---------------------------------------------------------------- the second pass


def decode_runs(container: InputContainer, runs: set[int], file: Watched) -> Iterator[VideoFrame]:
    """The frames of these runs, in the order in which they are shown; frames that cannot be decoded are left out."""
    stream = picture_stream(container)
    context, run, fed = stream.codec_context, 0, False
    context.thread_count, context.options = 1, OPTIONS
    for packet in read_packets(container, stream):
        run += packet.is_keyframe
        if file.late():
            return
        if run in runs:
            yield from unpack_frames(context, packet)
        elif fed:  # drain the decoder, so that the next run begins fresh
            yield from unpack_frames(context, None)
            context.flush_buffers()
        fed = run in runs
    yield from unpack_frames(context, None)


def unpack_frames(context: VideoCodecContext, packet: Packet | None) -> list[VideoFrame]:
    """The frames that the decoder returns for a packet; for None, those that it still holds."""
    from av.error import FFmpegError
    try:
        return [frame for frame in context.decode(packet) if frame.pts is not None]
    except FFmpegError:
        return []


def frames_at(frames: Iterator[VideoFrame], stamps: list[int]) -> Iterator[VideoFrame]:
    """The frame visible at each time stamp (rising): the one that begins then, or else the last before it."""
    todo, before = list(stamps), None
    for frame in frames:
        while todo and todo[0] <= (frame.pts or 0):
            yield frame if before is None or frame.pts == todo[0] else before
            todo.pop(0)
        if not todo:
            return
        before = frame


@dataclass
class Picture:
    """A frame's upright pixels (Y, X, 3) uint8; its time stamp; its upright width and height in the file."""

    pixels: np.ndarray
    stamp: int
    size: tuple[int, int]


def display_frames(frames: Iterator[VideoFrame]) -> Iterator[Picture]:
    """Frames scaled down and turned as the file's display matrix says, all to the size of the first."""
    matrix, size = None, (0, 0)
    for frame in frames:
        if matrix is None:
            matrix, size = display_matrix(frame), working_size(frame.width, frame.height)
        small = frame.reformat(*size, format="rgb24", interpolation="AREA")
        full = (frame.height, frame.width) if swaps_sides(matrix) else (frame.width, frame.height)
        yield Picture(turn_pixels(small.to_ndarray(), matrix), frame.pts or 0, full)


def display_matrix(frame: VideoFrame) -> np.ndarray:
    """Where a pixel is displayed: across = a x + c y, down = b x + d y; as [[a, b], [c, d]], in 1/65536."""
    found: Any = frame.side_data.get("DISPLAYMATRIX")
    nine = np.eye(3, dtype=np.int32) if found is None else np.frombuffer(found, np.int32).reshape(3, 3)
    return nine[:2, :2].astype(np.int64)


def swaps_sides(matrix: np.ndarray) -> bool:
    """Whether the matrix exchanges width and height."""
    return bool(abs(matrix[0, 1]) > abs(matrix[0, 0]))


def turn_pixels(pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """A picture (Y, X, 3) turned by quarter turns and mirrored: the nearest of the eight ways to do so.

    >>> row = np.arange(3).reshape(1, 3, 1)
    >>> turn_pixels(row, np.array([[0, 1], [-1, 0]]))[:, 0, 0], turn_pixels(row, np.array([[-1, 0], [0, 1]]))[0, :, 0]
    (array([0, 1, 2]), array([2, 1, 0]))
    """
    if swaps_sides(matrix):
        pixels, matrix = pixels.swapaxes(0, 1), matrix[::-1]
    return pixels[::-1 if matrix[1, 1] < 0 else 1, ::-1 if matrix[0, 0] < 0 else 1]
