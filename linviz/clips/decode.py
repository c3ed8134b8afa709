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
from .found import AGAIN, Found, Unreadable, Watched, evenly_spaced, plain_name
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


@dataclass(frozen=True, eq=False)
class DecodedFile:
    """What was decoded of a file, once: a clip of as many frames as were asked for, and of fewer."""

    name: str
    found: Found | Clip

    def take(self, frames: int) -> Decoded | None:
        """The file as a clip of at most `frames` frames, evenly spaced in time; None if it needs others."""
        if isinstance(self.found, Clip):
            clip, said = take_frames(self.found, frames)
            return Decoded(clip, said, False, tuple(float(t) for t in range(clip.size[0])), self.found.size[0])
        found = self.found
        chosen = evenly_spaced(found.starts, frames)
        if not found.asked.issuperset(chosen):
            return None
        kept = [i for i in chosen if i in found.pictures]
        notes, lost = list(found.notes), len(chosen) - len(kept) + sum(i in found.damaged for i in kept)
        if found.stopped:
            notes.append(f"decoding was stopped after {found.stopped:.0f} s, with {len(kept)} of {len(chosen)}")
        elif lost:
            notes.append(f"it is damaged: {lost} of the chosen frames cannot be decoded")
        said = describe_media(found, len(kept), frames, notes)
        clip = Clip(self.name, self.name, stack_pictures([found.pictures[i] for i in kept]), author="your own",
                    licence="your own", source=f"the file {self.name}", recipe=said[0].upper() + said[1:] + ".",
                    alt=f"{self.name}: no description was given")
        return Decoded(clip, said, bool(notes), tuple(found.starts[i] for i in kept), len(found.starts))


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
    found = decode_file(data, name, frames, seconds, ahead=False).take(frames)
    assert found is not None
    return found


def decode_file(data: bytes, name: str = "", frames: int = 8, seconds: float = limits.SECONDS,
                ahead: bool = True) -> DecodedFile:
    """A file decoded for a clip of at most `frames` frames and, with `ahead`, of fewer: see `decode_clip`.

    Of a large file not all that fewer frames need are kept: at most `limits.AHEAD_BYTES`.
    """
    if isinstance(frames, bool) or not isinstance(frames, int) or not 1 <= frames <= limits.ASKED:
        raise ValueError(f"frames must be a whole number from 1 to {limits.ASKED}; got {frames!r}")
    shown = plain_name(name)
    try:
        if is_clip_file(data):
            return DecodedFile(shown, read_clip_file(data, shown))
        return DecodedFile(shown, read_media(data, frames, seconds, ahead))
    except Unreadable as error:
        raise Unreadable(f"{shown} cannot be read: {error}") from error


def read_clip_file(data: bytes, name: str) -> Clip:
    """A clip that `clip_files.pack_clip` packed, with everything that is known of it."""
    try:
        return unpack_clip(data, name)
    except Exception as error:  # zlib, zipfile and json document no errors for broken files
        raise Unreadable(str(error) if isinstance(error, ValueError) else
                         f"it is damaged or cut short: {AGAIN}") from error


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


def read_media(data: bytes, frames: int, seconds: float, ahead: bool) -> Found:
    """The pictures of a file. Raises Unreadable where there are none, whichever error the decoding library raised."""
    def read(file: Watched, kind: str) -> Found:
        return (read_video if kind in VIDEOS else read_pictures)(file, kind, frames, ahead)
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


def describe_media(found: Found, kept: int, asked: int, notes: list[str]) -> str:
    """How much of the file was read, in one line: so many frames were kept, and so many asked for."""
    total, (width, height) = len(found.starts), found.size
    y, x = next(iter(found.pictures.values())).shape[:2]
    size = f"{width} x {height}" + (f" scaled to {x} x {y}" if (x, y) != (width, height) else "")
    counted = counted_frames(kept, total, asked)
    if total == 1:
        counted = "one frame" if found.seconds else "one picture"
    length = [f"{found.seconds:.1f} s"] if found.seconds else []
    return "; ".join([", ".join([counted, size, *length]), *dict.fromkeys(found.remarks), *notes])


def stack_pictures(pictures: list[np.ndarray]) -> Frames:
    """Pictures (Y, X, 3) uint8 of one size as frames (T, 3, Ypx, Xpx) in 0..1, without a second copy in memory."""
    frames = torch.empty(len(pictures), 3, *pictures[0].shape[:2])
    for one, picture in zip(frames, pictures):
        one.copy_(torch.from_numpy(picture.copy()).permute(2, 0, 1))
    return frames.div_(255)
