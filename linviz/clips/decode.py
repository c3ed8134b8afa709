"""A user's own file as a clip: read from memory, recognised by its content, or refused in one sentence.

Nothing is written to disk, and only the given bytes are read. A file's name is shown in messages but never trusted.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from ..shapes import Frames
from . import limits
from .clip import Clip
from .clip_files import count_clip_frames, counted_frames, is_clip_file, take_frames, unpack_clip
from .file_formats import SPOKEN, sniff_format
from .found import AGAIN, Found, Unreadable, Watched, plain_name
from .picture_files import frame_count, open_picture, read_pictures
from .timetable import video_timetable
from .videos import open_video, picture_stream, read_video

VIDEOS = ("mov", "matroska")
Answer = TypeVar("Answer")


@dataclass(frozen=True, eq=False)
class Decoded:
    """A clip, and how much of the file was read.

    said     one line: how many of the file's frames, their size, their duration, and what is missing
    partial  whether anything is missing: the file is cut short, damaged, or beyond the limits
    times    when each frame of the clip appears, in seconds after the file's first frame
    total    how many frames of the file could be read
    """

    clip: Clip
    said: str
    partial: bool
    times: tuple[float, ...]
    total: int


def decode_clip(data: bytes, name: str = "", frames: int = 8, seconds: float = limits.SECONDS) -> Decoded:
    """A picture or video file as a clip of at most `frames` frames (1 to 32), evenly spaced in time.

    PNG, JPEG, WebP, GIF, HEIC, AVIF, TIFF, BMP, MP4, MOV and WebM, recognised by content. Frames are turned upright
    as the file says, in sRGB, with square pixels; transparency becomes white, and the longer side has at most
    `limits.WORKING` pixels. The first and last frame are included; a frame that stays visible is repeated; a file
    with fewer frames gives all of them. How much is decoded depends on the file alone; only a decoder that hangs is
    stopped after `seconds`. Raises Unreadable, a ValueError of one sentence, for a file that cannot be read.

    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO(); Image.new("RGB", (48, 32), "navy").save(file, "PNG")
    >>> found = decode_clip(file.getvalue(), "../night.mp4")
    >>> found.clip.name, found.clip.size, found.said
    ('night.mp4', (1, 32, 48), 'one picture, 48 x 32')
    """
    if isinstance(frames, bool) or not isinstance(frames, int) or not 1 <= frames <= limits.ASKED:
        raise ValueError(f"frames must be a whole number from 1 to {limits.ASKED}; got {frames!r}")
    shown = plain_name(name)
    if is_clip_file(data):
        return decode_clip_file(data, shown, frames)
    try:
        found = read_media(data, frames, seconds)
    except Unreadable as error:
        raise Unreadable(f"{shown} cannot be read: {error}") from error
    said = describe_media(found, frames)
    clip = Clip(shown, shown, stack_pictures(found.pictures), author="your own", licence="your own",
                source=f"the file {shown}", recipe=said[0].upper() + said[1:] + ".",
                alt=f"{shown}: no description was given")
    return Decoded(clip, said, bool(found.notes), tuple(found.starts), found.total)


def decode_clip_file(data: bytes, name: str, frames: int) -> Decoded:
    """A clip that `clip_files.pack_clip` packed, with everything that is known of it."""
    try:
        whole = unpack_clip(data, name)
        clip, said = take_frames(whole, frames)
    except Exception as error:  # zlib, zipfile and json document no errors for broken files
        reason = str(error) if isinstance(error, ValueError) else f"it is damaged or cut short: {AGAIN}"
        raise Unreadable(f"{name} cannot be read: {reason}") from error
    return Decoded(clip, said, False, tuple(float(t) for t in range(clip.size[0])), whole.size[0])


def is_moving(data: bytes, name: str = "") -> bool:
    """Whether a file has more than one frame, by its header or its packets: none is decoded. Raises Unreadable.

    >>> import io
    >>> from PIL import Image
    >>> file = io.BytesIO(); Image.new("RGB", (48, 32), "navy").save(file, "PNG")
    >>> is_moving(file.getvalue())
    False
    """
    try:
        if is_clip_file(data):
            return count_clip_frames(data) > 1
        return with_media(data, limits.SECONDS, lambda file, kind: header_frames(file, kind) > 1)
    except Unreadable as error:
        raise Unreadable(f"{plain_name(name)} cannot be read: {error}") from error


def header_frames(file: Watched, kind: str) -> int:
    """How many frames a file has, as far as can be seen without decoding any."""
    if kind not in VIDEOS:
        return frame_count(open_picture(file, kind))
    with open_video(file, kind) as container:
        return len(video_timetable(container, picture_stream(container), file).runs)


def read_media(data: bytes, frames: int, seconds: float) -> Found:
    """The pictures of a file. Raises Unreadable where there are none, whichever error the decoding library raised."""
    def read(file: Watched, kind: str) -> Found:
        return read_video(file, kind, frames) if kind in VIDEOS else read_pictures(file, kind, frames)
    return with_media(data, seconds, read)


def with_media(data: bytes, seconds: float, read: Callable[[Watched, str], Answer]) -> Answer:
    """What `read` finds in a file of its format, by its first bytes. Raises Unreadable for whatever goes wrong."""
    kind = sniff_format(data)
    file = Watched(data, seconds)
    try:
        return read(file, kind)
    except (Unreadable, ImportError):
        raise
    except Exception as error:  # decoders document no errors for broken files, so any may come
        if file.late():
            raise Unreadable(f"decoding it took more than {seconds:g} s and was stopped") from error
        raise Unreadable(f"it begins like {SPOKEN[kind]}, but it is damaged or cut short: {AGAIN}") from error


def describe_media(found: Found, asked: int) -> str:
    """How much of the file was read, in one line."""
    kept, (width, height) = len(found.pictures), found.size
    y, x = found.pictures[0].shape[:2]
    size = f"{width} x {height}" + (f" scaled to {x} x {y}" if (x, y) != (width, height) else "")
    counted = counted_frames(kept, found.total, asked)
    if found.total == 1:
        counted = "one frame" if found.seconds else "one picture"
    length = [f"{found.seconds:.1f} s"] if found.seconds else []
    return "; ".join([", ".join([counted, size, *length]), *dict.fromkeys(found.remarks), *found.notes])


def stack_pictures(pictures: list[np.ndarray]) -> Frames:
    """Pictures (Y, X, 3) uint8 of one size as frames (T, 3, Ypx, Xpx) in 0..1, without a second copy in memory."""
    frames = torch.empty(len(pictures), 3, *pictures[0].shape[:2])
    for one, picture in zip(frames, pictures):
        one.copy_(torch.from_numpy(picture.copy()).permute(2, 0, 1))
    return frames.div_(255)
