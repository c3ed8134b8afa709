"""What is found in somebody's own file, whichever library reads it; and a file that stops giving after a while."""
import io
import time
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from . import limits

AGAIN = "copy or download it again"


class Unreadable(ValueError):
    """A file that cannot be read, and why, in one plain sentence."""


@dataclass
class Found:
    """Upright RGB pictures (Y, X, 3) uint8 of one size, and what is told of them.

    starts: when each is shown, seconds from the first. total: frames that could be read. seconds: how long they last.
    size: width and height in the file, upright. notes: what is missing, as half-sentences; a whole file has none.
    """

    pictures: list[np.ndarray]
    starts: list[float]
    total: int
    seconds: float
    size: tuple[int, int]
    notes: list[str] = field(default_factory=list)


class Watched(io.BytesIO):
    """A file in memory that is at its end once `seconds` have passed: no library reads on from it for ever."""

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)
        self.began, self.seconds = time.monotonic(), seconds

    def late(self, share: float = 1.0) -> bool:
        """Whether this share of the time has passed.

        >>> Watched(b"abc", seconds=60).late(), Watched(b"abc", seconds=0).late()
        (False, True)
        """
        return time.monotonic() - self.began >= share * self.seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file, until it is late."""
        return b"" if self.late() else super().read(size)


def evenly(starts: list[float], count: int) -> list[int]:
    """Which frames are on show at `count` moments, evenly spaced in time from the first frame to the last.

    starts: when each frame comes on, rising. A frame that stays on show for long is there more than once, as it is for
    who looks on. Where there are no more frames than asked for: each once.

    >>> evenly([0.0, 0.1, 0.2, 0.3, 0.4], 3), evenly([0.0, 0.1, 5.0], 2), evenly([0.0, 0.1, 0.2, 4.0], 3)
    ([0, 2, 4], [0, 2], [0, 2, 3])
    """
    if len(starts) <= count or count == 1:
        return list(range(min(len(starts), count)))
    step = (starts[-1] - starts[0]) / (count - 1)
    early = [bisect_right(starts, starts[0] + k * step + 1e-6) - 1 for k in range(count - 1)]
    return [*early, len(starts) - 1]


def shrunk(width: int, height: int) -> tuple[int, int]:
    """Width and height at which a picture is kept: its own, or the longer side at `limits.WORKING`.

    >>> shrunk(640, 360), shrunk(3840, 2160), shrunk(9000, 2)
    ((640, 360), (1024, 576), (1024, 1))
    """
    scale = min(1.0, limits.WORKING / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def check_size(width: int, height: int, most: int, what: str) -> None:
    """Unreadable for a picture or a frame that is too large, before it is decoded."""
    if width < 1 or height < 1:
        raise Unreadable(f"its {what} is {width} x {height} pixels: there is nothing in it")
    if width * height > most or max(width, height) > limits.SIDE:
        raise Unreadable(f"its {what} of {width:,} x {height:,} pixels is too large: {most / 1e6:.1f} megapixels and "
                         f"{limits.SIDE:,} a side are read at most, so make it smaller first")


def broken_off(there: int, of: int) -> str:
    """How much of a clip is there; `of` is what its header tells, where it does.

    >>> broken_off(101, 250), broken_off(1, 0)
    ('it breaks off after 101 of 250 frames: those were read', 'it breaks off after its first frame')
    """
    if there == 1:
        return "it breaks off after its first frame"
    return f"it breaks off after {there}{f' of {of}' if of > there else ''} frames: those were read"
