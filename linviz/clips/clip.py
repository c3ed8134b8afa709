"""A clip: frames, where they come from, and what is known to be true about them.

A photograph is a clip of one frame. Ground truth is optional and never guessed: the mask marks the pixels of
the object, the motion says where each pixel goes, and `known` marks the pixels where the motion is valid.
"""
from dataclasses import dataclass

import torch
from torch import Tensor

from ..shapes import Frames


@dataclass(frozen=True, eq=False)
class Clip:
    """T frames of Ypx x Xpx pixels with their author, licence and truth.

    frames   (T, 3, Ypx, Xpx) RGB float32 in 0..1; a photograph has T = 1
    author, licence, source: who made the pictures, under which licence, and where they come from
    recipe   one sentence on how the frames were made;  alt  a description for screen readers
    mask     (T, Ypx, Xpx) bool, the pixels that show the object; None if there is no ground truth
    motion   (T-1, 2, Ypx, Xpx) pixels down and across from frame t to t+1, never NaN
    known    (T-1, Ypx, Xpx) bool, where the motion is valid and its target is visible in frame t+1
    query    a good first query: the frame, and the position as fractions of height and width

    Raises ValueError, in one sentence, for a shape or a value that breaks these rules.

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
            raise ValueError(f"clip {self.name!r}: give both motion and known, or neither")
        _check_tensor(self.name, "mask", self.mask, (t, y, x), torch.bool)
        _check_tensor(self.name, "motion", self.motion, (t - 1, 2, y, x), torch.float32)
        _check_tensor(self.name, "known", self.known, (t - 1, y, x), torch.bool)
        if self.motion is not None and not torch.isfinite(self.motion).all():
            raise ValueError(f"clip {self.name!r}: motion must be finite; mark unknown pixels in `known`")
        frame, down, across = self.query
        if not (0 <= frame < t and 0 <= down <= 1 and 0 <= across <= 1):
            raise ValueError(
                f"clip {self.name!r}: a query is a frame in 0..{t - 1} and two fractions in 0..1; got {self.query}")

    def __repr__(self) -> str:
        t, y, x = self.size
        truth = [what for what in ("mask", "motion") if getattr(self, what) is not None]
        return (f"<clip {self.name!r}: {t} frame{'s' * (t > 1)} of {y} x {x} pixels, "
                f"known: {' and '.join(truth) or 'neither mask nor motion'}; {self.title}, by {self.author}, "
                f"licence {self.licence}>")

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, pixel rows, pixel columns.

        >>> Clip.plain(torch.zeros(1, 3, 8, 9), "dark").size
        (1, 8, 9)
        """
        return self.frames.shape[0], self.frames.shape[2], self.frames.shape[3]

    @classmethod
    def plain(cls, frames: Frames, name: str, title: str = "", alt: str = "") -> "Clip":
        """A clip of a user's own frames, (T, 3, Ypx, Xpx) in 0..1, without ground truth.

        >>> Clip.plain(torch.ones(1, 3, 16, 16), "paper", alt="a white sheet of paper").alt
        'a white sheet of paper'
        """
        return cls(name, title or name, frames, author="your own", licence="your own", source="given as an array",
                   recipe="Given as an array, used as it is.", alt=alt or f"{title or name}: no description was given")


def _check_frames(name: str, frames: Tensor) -> None:
    shape = tuple(frames.shape)
    if len(shape) != 4 or shape[1] != 3 or min(shape) < 1:
        raise ValueError(f"clip {name!r}: frames must be (T, 3, Ypx, Xpx), at least one frame and pixel; got {shape}")
    if frames.dtype != torch.float32:
        raise ValueError(f"clip {name!r}: frames must be float32 in 0..1; got {frames.dtype} (see clips.to_frames)")
    low, high = (frames.amin().item(), frames.amax().item())
    if not (0 <= low and high <= 1):  # also catches NaN
        raise ValueError(f"clip {name!r}: frames must lie in 0..1; got {low:.3g}..{high:.3g} (see clips.to_frames)")


def _check_tensor(name: str, what: str, value: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if value is not None and (tuple(value.shape) != shape or value.dtype != dtype):
        raise ValueError(f"clip {name!r}: {what} must be {shape} {dtype}; got {tuple(value.shape)} {value.dtype}")
