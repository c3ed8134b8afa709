"""The content of a user's own file, whichever library reads it, and a file that ends after a time limit."""
import io
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from . import limits

AGAIN = "copy or download it again"
NAME = 40  # how many characters of a file's name are shown


class Unreadable(ValueError):
    """A file cannot be read; the message says why in one plain sentence."""


@dataclass
class Found:
    """The frames of a file: when each is shown, and upright RGB pictures (Y, X, 3) uint8 of one size of some.

    starts: when each frame that could be read is shown, in seconds after the first. pictures: by the frame's number.
    asked: the frames of which pictures were to be made. damaged: those in whose place the one before is shown.
    seconds: the duration. size: width and height in the file, upright. stopped: seconds after which decoding was ended,
    or 0. notes: what is missing, as half-sentences; none for a whole file. remarks: what was done to the pictures, or
    could not be, as half-sentences.
    """

    starts: list[float]
    pictures: dict[int, np.ndarray]
    asked: set[int]
    seconds: float
    size: tuple[int, int]
    notes: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    damaged: set[int] = field(default_factory=set)
    stopped: float = 0.0


class Watched(io.BytesIO):
    """A file in memory that ends once `seconds` have passed, so that no library reads from it for ever."""

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)
        self.began, self.seconds = time.monotonic(), seconds

    def late(self, share: float = 1.0) -> bool:
        """Whether this fraction of the time has passed.

        >>> Watched(b"abc", seconds=60).late(), Watched(b"abc", seconds=0).late()
        (False, True)
        """
        return time.monotonic() - self.began >= share * self.seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as from any file; nothing once the time has passed."""
        return b"" if self.late() else super().read(size)


def evenly_spaced(starts: list[float], count: int) -> list[int]:
    """Which frames are visible at `count` moments, evenly spaced in time from the first frame to the last.

    starts: when each frame appears, rising. A frame that stays visible for long is repeated, as a viewer sees it.
    If there are no more frames than `count`, each is taken once.

    >>> evenly_spaced([0.0, 0.1, 0.2, 0.3, 0.4], 3)
    [0, 2, 4]
    >>> evenly_spaced([0.0, 0.1, 5.0], 2), evenly_spaced([0.0, 0.1, 0.2, 4.0], 3)
    ([0, 2], [0, 2, 3])
    """
    if len(starts) <= count or count == 1:
        return list(range(min(len(starts), count)))
    step = (starts[-1] - starts[0]) / (count - 1)
    early = [bisect_right(starts, starts[0] + k * step + 1e-6) - 1 for k in range(count - 1)]
    return [*early, len(starts) - 1]


def frames_ahead(starts: list[float], count: int, room: int) -> list[int]:
    """The frames that `evenly_spaced` takes for `count` moments, and for fewer, as long as these are `room` in all.

    >>> frames_ahead([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3, room=9), frames_ahead([0.0, 0.1, 0.2, 0.3], 4, room=0)
    ([0, 3, 6], [0, 1, 2, 3])
    """
    found = set(evenly_spaced(starts, count))
    for fewer in range(count - 1, 0, -1):
        more = found.union(evenly_spaced(starts, fewer))
        if len(more) > max(room, len(found)):
            break
        found = more
    return sorted(found)


def room_ahead(width: int, height: int) -> int:
    """How many stored pictures of this size in the file may be kept for a choice of fewer frames.

    >>> room_ahead(1920, 1080), room_ahead(320, 240)
    (36, 277)
    """
    wide, high = working_size(width, height)
    return limits.AHEAD_BYTES // (3 * wide * high)


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the stored picture: its own, or scaled so that the longer side is `limits.WORKING`.

    A strip keeps more, so that its shorter side has 32 pixels, if it has as many.

    >>> working_size(640, 360), working_size(3840, 2160), working_size(4000, 40), working_size(9000, 2)
    ((640, 360), (1024, 576), (3200, 32), (9000, 2))
    """
    scale = min(1.0, max(limits.WORKING / max(width, height), limits.WORKING / limits.STRIP / min(width, height)))
    return max(1, round(width * scale)), max(1, round(height * scale))


def square_pixels(width: int, height: int, ratio: float) -> tuple[int, int]:
    """Width and height after pixels of a ratio (their width by their height) were made square; the height stays.

    >>> square_pixels(720, 480, 8 / 9), square_pixels(720, 480, 1)
    ((640, 480), (720, 480))
    """
    return (max(1, round(width * ratio)), height) if is_skewed(ratio) else (width, height)


def is_skewed(ratio: float) -> bool:
    """Whether pixels are not square, by a ratio that a camera may have.

    >>> is_skewed(4 / 3), is_skewed(1.0), is_skewed(1000.0)
    (True, False, False)
    """
    return 1 / 8 <= ratio <= 8 and abs(ratio - 1) > 0.005


def skew_remark(ratio: float, size: tuple[int, int]) -> str:
    """What is said of pixels that are not square, in a picture of this width and height.

    >>> skew_remark(4 / 3, (640, 480))
    'its pixels are 4:3, so that it is shown as 640 x 480'
    """
    part = Fraction(ratio).limit_denominator(99)
    return f"its pixels are {part.numerator}:{part.denominator}, so that it is shown as {size[0]} x {size[1]}"


def check_size(width: int, height: int, most: int, what: str) -> None:
    """Raise Unreadable for a picture or frame that is too large, before it is decoded."""
    if width < 1 or height < 1:
        raise Unreadable(f"its {what} is {width} x {height} pixels, so it is empty")
    if width * height > most or max(width, height) > limits.SIDE:
        raise Unreadable(f"its {what} of {width:,} x {height:,} pixels is too large: the limits are {most / 1e6:.1f} "
                         f"megapixels and {limits.SIDE:,} pixels per side, so make it smaller first")


def truncation_note(there: int, of: int) -> str:
    """A note that a clip is cut short after `there` frames of `of`, the number in its header, or 0 if unknown.

    >>> truncation_note(101, 250), truncation_note(1, 0)
    ('it is cut short after 101 of 250 frames: those were read', 'it is cut short after its first frame')
    """
    if there == 1:
        return "it is cut short after its first frame"
    return f"it is cut short after {there}{f' of {of}' if of > there else ''} frames: those were read"


def plain_name(name: str) -> str:
    """A file's name, shortened, without folders and without invisible characters.

    >>> plain_name("../../x.png"), plain_name("a\\x00\\u202eb.gif"), plain_name("")
    ('x.png', 'ab.gif', 'the file')
    """
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    seen = " ".join("".join(c for c in last if c.isprintable()).split())
    short = seen if len(seen) <= NAME else f"{seen[:NAME - 10]}...{seen[-7:]}"
    return short if short.strip(".") else "the file"
