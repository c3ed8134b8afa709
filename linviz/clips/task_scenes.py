"""The parts of a task's scenes: photographs, ink, discs and paths, drawn by random numbers in 0..1.

All lengths are in pixels of a frame of 36 x 36, in which a photograph has 160 x 160 pixels and a digit 10 x 10. A stage
scales them to its own pixels, so the same random numbers give the same scene in any size and any number of frames.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .drawing import Backdrop
from .sources import digit_ink, source_numbers, split_photographs

SIDE, PHOTO, DIGIT = 36, 160, 10
MOMENTS = 7  # a scene lasts as long as 8 frames, 7 steps, at its usual speed
WAYS = torch.tensor([(-math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)) for k in range(8)], dtype=torch.float64)
SIDES, LENGTHS = (16, 256), (2, 32)


@dataclass(frozen=True)
class Stage:
    """A split's photographs and digits, for clips of `frames` frames of side x side pixels.

    ValueError for a side or a number of frames out of range.

    >>> Stage("train", 96, 8).piece(10)
    26
    """

    split: str
    side: int
    frames: int

    def __post_init__(self) -> None:
        for what, value, (low, high) in (("side", self.side, SIDES), ("frames", self.frames, LENGTHS)):
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise ValueError(f"{what} must be a whole number from {low} to {high}; got {value!r}")

    @property
    def unit(self) -> float:
        """Pixels of this stage per pixel of a frame of 36.

        >>> Stage("train", 72, 8).unit
        2.0
        """
        return self.side / SIDE

    @property
    def photos(self) -> Tensor:
        """The split's photographs, (P, S, S).

        >>> Stage("test", 36, 8).photos.shape
        torch.Size([6, 160, 160])
        """
        return split_photographs(self.split, round(PHOTO * self.unit))

    def piece(self, length: float) -> int:
        """A length in whole pixels of this stage, rounded down, so that everything that fits in 36 pixels fits here.

        >>> Stage("train", 18, 8).piece(10)
        5
        """
        return math.floor(length * self.unit)

    def slack(self, length: float) -> float:
        """How far a piece's corner moves inwards, since its size is rounded down and its centre stays.

        >>> Stage("train", 99, 8).piece(10), Stage("train", 99, 8).slack(10)
        (27, 0.25)
        """
        return (length * self.unit - self.piece(length)) / 2

    def backdrop(self, u: Tensor, drift: float, dimmed: tuple[float, float]) -> tuple[Backdrop, dict[str, Tensor]]:
        """A sliding window by six numbers per clip, u (n, 6), and its ground truth: photograph and drift.

        >>> Stage("test", 36, 8).backdrop(torch.zeros(2, 6), 0.5, (0.4, 0.8))[0].corner.shape
        torch.Size([2, 8, 2])
        """
        which, slide = as_whole_numbers(u[:, 0], len(self.photos)), scale_numbers(u[:, 1:3], -drift, drift)
        corner = self._inside(u[:, 3:5], slide * MOMENTS, PHOTO - SIDE - 2)
        brightness = scale_numbers(u[:, 5], *dimmed).float()
        truth = {"photograph": source_numbers(self.split)[which], "drift": (-slide * self._a_frame).float()}
        return Backdrop(self.photos, which, corner, brightness), truth

    def way(self, u: Tensor, length: int, speed: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
        """Heading (n,), speed (n,) in pixels per frame and corner (n, T, 2) of a square in the frame, by u (n, 4).

        >>> heading, speed, corner = Stage("train", 36, 8).way(torch.zeros(1, 4), 10, (1.5, 2.5))
        >>> heading.item(), speed.item(), corner[0, [0, -1]].tolist()
        (0, 1.5, [[10.5, 0.0], [0.0, 0.0]])
        """
        heading, pace = as_whole_numbers(u[:, 0], 8), scale_numbers(u[:, 1], *speed)
        corner = self._inside(u[:, 2:4], pace[:, None] * WAYS[heading] * MOMENTS, SIDE - length)
        corner += self.slack(length)
        return heading, (pace * self._a_frame).float(), corner

    def middle(self, corner: Tensor, length: int) -> Tensor:
        """Centres (..., 2) float32 of squares with these corners, in pixels; the centre of the first pixel is (0, 0).

        >>> Stage("train", 36, 8).middle(torch.zeros(2), 10).tolist()
        [4.5, 4.5]
        """
        return (corner + (self.piece(length) - 1) / 2).float()

    def ink(self, u: Tensor, length: int = DIGIT) -> tuple[Tensor, dict[str, Tensor]]:
        """Handwritten digits by u (n,): their ink (n, a, a), and their ground truth: digit and sample.

        >>> Stage("test", 36, 8).ink(torch.zeros(2))[0].shape
        torch.Size([2, 10, 10])
        """
        cover, classes, samples = digit_ink(self.split, self.piece(length))
        at = as_whole_numbers(u, len(samples))
        return cover[at], {"digit": classes[at], "sample": samples[at]}

    def cut(self, u: Tensor, besides: Tensor, length: int = DIGIT) -> tuple[Tensor, Tensor]:
        """Squares cut from other photographs than `besides` (n,), by u (n, 3): luma (n, a, a), number in SOURCES (n,).

        >>> Stage("test", 36, 8).cut(torch.zeros(1, 3), torch.tensor([0]))[1].tolist()
        [12]
        """
        a, (many, whole) = self.piece(length), self.photos.shape[:2]
        which = (besides + 1 + as_whole_numbers(u[:, 0], many - 1)) % many
        row, column = as_whole_numbers(u[:, 1:], whole - a + 1).unbind(1)
        return self.photos.unfold(1, a, 1).unfold(2, a, 1)[which, row, column], source_numbers(self.split)[which]

    @property
    def _a_frame(self) -> float:
        """Speed in this stage's pixels and frames that equals one pixel of 36 per frame of eight."""
        return self.unit * MOMENTS / (self.frames - 1)

    def _inside(self, u: Tensor, goes: Tensor, room: float) -> Tensor:
        """Straight paths (n, T, 2) in this stage's pixels that stay within 0..room; u (n, 2) sets their beginning."""
        begin = scale_numbers(u, (-goes).clamp(min=0), room - goes.clamp(min=0))
        time = torch.linspace(0, 1, self.frames, dtype=torch.float64)[:, None]
        return (begin[:, None] + time * goes[:, None]) * self.unit


def as_whole_numbers(u: Tensor, many: int) -> Tensor:
    """Numbers in 0..1 as whole numbers below `many`.

    >>> as_whole_numbers(torch.tensor([0.0, 0.99]), 8).tolist()
    [0, 7]
    """
    return (u * many).long()


def scale_numbers(u: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """Numbers in 0..1 as numbers from low to high.

    >>> scale_numbers(torch.tensor([0.5]), 1.5, 2.5).item()
    2.0
    """
    return low + u * (high - low)
