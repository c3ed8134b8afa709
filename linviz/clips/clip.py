"""A clip: frames, where they come from, and what is known to be true about them.

A photograph is a clip of one frame. Truth is optional and never guessed: the mask says which pixels show
the object, the motion says where a pixel goes, `known` says where the motion may be believed.
"""
from dataclasses import dataclass

import torch
from torch import Tensor

from ..shapes import Frames


@dataclass(frozen=True, eq=False)
class Clip:
    """T frames of Ypx x Xpx pixels with their author, licence and truth.

    frames   (T, 3, Ypx, Xpx) RGB float32 in 0..1; a photograph has T = 1
    author, licence, source: whose pictures these are, on what terms, and where they were taken from
    recipe   one sentence on how the frames were made;  alt  what is to be seen, for a screen reader
    mask     (T, Ypx, Xpx) bool, the pixels that show the object, None where there is no such truth
    motion   (T-1, 2, Ypx, Xpx) pixels down and across from frame t to t+1, never NaN
    known    (T-1, Ypx, Xpx) bool, where the motion is true and its target is to be seen in frame t+1
    query    a good first query: frame, and place as a share of height and of width

    Raises ValueError, in one sentence, for a shape or a range that breaks this.

    >>> Clip.plain(torch.zeros(2, 3, 32, 48), "dark").size
    (2, 32, 48)
    """

    name: str
    title: str
    frames: Frames
    author: str
    licence: str
    source: str
    recipe: str
    alt: str
    mask: Tensor | None = None
    motion: Tensor | None = None
    known: Tensor | None = None
    query: tuple[int, float, float] = (0, 0.5, 0.5)

    def __post_init__(self) -> None:
        _check_frames(self.name, self.frames)
        t, y, x = self.size
        if (self.motion is None) != (self.known is None):
            raise ValueError(f"clip {self.name!r}: motion and known come together or not at all")
        _check(self.name, "mask", self.mask, (t, y, x), torch.bool)
        _check(self.name, "motion", self.motion, (t - 1, 2, y, x), torch.float32)
        _check(self.name, "known", self.known, (t - 1, y, x), torch.bool)
        if self.motion is not None and not torch.isfinite(self.motion).all():
            raise ValueError(f"clip {self.name!r}: motion must be finite; mark what is not known in `known`")
        frame, down, across = self.query
        if not (0 <= frame < t and 0 <= down <= 1 and 0 <= across <= 1):
            raise ValueError(
                f"clip {self.name!r}: a query is a frame in 0..{t - 1} and two shares in 0..1; got {self.query}")

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, pixel rows, pixel columns.

        >>> Clip.plain(torch.zeros(1, 3, 8, 9), "dark").size
        (1, 8, 9)
        """
        return self.frames.shape[0], self.frames.shape[2], self.frames.shape[3]

    @classmethod
    def plain(cls, frames: Frames, name: str, title: str = "", alt: str = "") -> "Clip":
        """A clip of somebody's own frames, (T, 3, Ypx, Xpx) in 0..1, about which nothing more is known.

        >>> Clip.plain(torch.ones(1, 3, 16, 16), "paper", alt="a white sheet of paper").alt
        'a white sheet of paper'
        """
        return cls(name, title or name, frames, author="your own", licence="your own", source="given as an array",
                   recipe="Given as an array, used as it is.", alt=alt or f"{title or name}: no description was given")


def _check_frames(name: str, frames: Tensor) -> None:
    shape = tuple(frames.shape)
    if len(shape) != 4 or shape[1] != 3 or min(shape) < 1:
        raise ValueError(f"clip {name!r}: frames are (T, 3, Ypx, Xpx) with at least one frame and pixel; got {shape}")
    if frames.dtype != torch.float32:
        raise ValueError(f"clip {name!r}: frames are float32 in 0..1; got {frames.dtype} (see clips.to_frames)")
    low, high = (frames.amin().item(), frames.amax().item())
    if not (0 <= low and high <= 1):  # also catches NaN
        raise ValueError(f"clip {name!r}: frames lie in 0..1; got {low:.3g}..{high:.3g} (see clips.to_frames)")


def _check(name: str, what: str, value: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if value is not None and (tuple(value.shape) != shape or value.dtype != dtype):
        raise ValueError(f"clip {name!r}: {what} must be {shape} {dtype}; got {tuple(value.shape)} {value.dtype}")
