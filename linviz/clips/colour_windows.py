"""Square windows over colour photographs: the pictures of the colour task, cut from a seed.

    train    9 photographs with an open licence
    test     5 other photographs: used often
    sealed   4 other photographs: kept unseen for one last measurement

Every photograph is a file inside scikit-image or scikit-learn; authors and licences are in `sources.SOURCES`. Of the
sealed ones only motorcycle is in colour. It names no open licence, so no model is trained on it.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .fitting import resize_images
from .sources import SOURCES, source_pixels, split_number
from .task import random_draws
from .warp import pixel_places, sample_images

COLOUR_SIDE, COLOUR_PATCH = 112, 8      # pixels of a window and of one of its patches
COLOUR_SPLITS = {
    "train": ("astronaut", "coffee", "china", "hubble_deep_field", "grass", "brick", "coins", "retina",
              "immunohistochemistry"),
    "test": ("chelsea", "flower", "rocket", "camera", "gravel"),
    "sealed": ("motorcycle", "clock", "cell", "microaneurysms")}
EXCHANGED = {"train": "test", "test": "train", "sealed": "sealed"}
SHORTER = 512               # a photograph's shorter side is reduced to at most so many pixels
SPANS = (80.0, 0.9)         # a window's side in the photograph: at least 80 pixels, at most 0.9 of the shorter side
TURN = math.radians(15)     # by how much a window is turned at most
LEVELS = tuple(2 ** (-n / 2) for n in range(6))     # sizes at which a photograph is sampled
DRAWN = 5                   # random numbers for a window
Pyramid = list[Tensor]


class Windows(NamedTuple):
    """n windows: pixels (n, 3, side, side) uint8; photographs (n,), indices of `names`; grey (names,): colourless."""

    pixels: Tensor
    photographs: Tensor
    names: tuple[str, ...]
    grey: Tensor


def split_names(split: str, exchanged: bool = False, opened: bool = False) -> tuple[str, ...]:
    """The photographs of a split. ValueError for an unknown split, and for "sealed" unless `opened` is True.

    exchanged: train and test exchange their photographs.

    >>> split_names("test"), split_names("train", exchanged=True)[0]
    (('chelsea', 'flower', 'rocket', 'camera', 'gravel'), 'chelsea')
    """
    split_number(split, opened)
    return COLOUR_SPLITS[EXCHANGED[split] if exchanged else split]


@lru_cache(maxsize=24)
def photograph_pyramid(name: str) -> Pyramid:
    """A photograph of a split at several sizes, the largest first: (3, Ypx, Xpx) each, in 0..1.

    >>> [tuple(image.shape[1:]) for image in photograph_pyramid("chelsea")[::2]]
    [(300, 451), (150, 226), (75, 113)]
    """
    source = next(source for source in SOURCES if source.name == name)
    pixels = torch.from_numpy(source_pixels(source).copy())
    image = pixels[..., None].expand(-1, -1, 3) if pixels.ndim == 2 else pixels[..., :3]
    return picture_pyramid(image.permute(2, 0, 1).float() / 255)


def picture_pyramid(image: Tensor) -> Pyramid:
    """A picture (3, Ypx, Xpx) at several sizes, the largest first, its shorter side reduced to at most 512 pixels.

    >>> [tuple(level.shape) for level in picture_pyramid(torch.zeros(3, 1024, 2048))[:3]]
    [(3, 512, 1024), (3, 362, 724), (3, 256, 512)]
    """
    factor = min(1.0, SHORTER / min(image.shape[1:]))
    sizes = [[max(8, round(n * factor * level)) for n in image.shape[1:]] for level in LEVELS]
    return [resize_images(image[None], (y, x))[0] if [y, x] != list(image.shape[1:]) else image for y, x in sizes]


def is_grey_picture(image: Tensor) -> bool:
    """Whether a picture (3, Ypx, Xpx) has no colour at all."""
    return bool((image.amax(0) - image.amin(0)).max() < 0.02)


def split_windows(n: int, seed: int, split: str, exchanged: bool = False, *, first: int = 0, side: int = COLOUR_SIDE,
                  opened: bool = False) -> Windows:
    """n windows over the photographs of a split, from number `first` on; ValueError as in `split_names`.

    >>> split_windows(3, 0, "test").pixels.shape
    torch.Size([3, 3, 112, 112])
    """
    names = split_names(split, exchanged, opened)
    u = random_draws("window", seed, split_number(split, opened), first, n, DRAWN)
    return draw_windows({name: photograph_pyramid(name) for name in names}, u, first, side)


def draw_windows(pyramids: Mapping[str, Pyramid], u: Tensor, first: int = 0, side: int = COLOUR_SIDE) -> Windows:
    """One window for every row of u (n, DRAWN), over the photographs in turn.

    first: the number of the first window, which decides whose turn it is.
    """
    names = tuple(pyramids)
    which = (first + torch.arange(len(u))) % len(names)
    pixels = torch.empty(len(u), 3, side, side, dtype=torch.uint8)
    for n, (row, number) in enumerate(zip(u.tolist(), which.tolist())):
        window = cut_window(pyramids[names[number]], row, side)
        pixels[n] = (window.clamp(0, 1) * 255).round().byte()
    return Windows(pixels, which, names, torch.tensor([is_grey_picture(levels[-1]) for levels in pyramids.values()]))


def cut_window(pyramid: Pyramid, u: Sequence[float], side: int) -> Tensor:
    """A turned and perhaps mirrored window that lies inside the photograph, by five numbers: (3, side, side)."""
    full = torch.tensor(pyramid[0].shape[1:], dtype=torch.float32)
    angle, shorter = TURN * (2 * u[0] - 1), float(full.min())
    cosine, sine = math.cos(angle), math.sin(angle)
    wide = cosine + abs(sine)       # of the turned window, as a multiple of its side
    longest = min(SPANS[1] * shorter, shorter / wide)
    span = longest ** u[1] * min(SPANS[0], longest) ** (1 - u[1])
    reach = wide * span / 2
    centre = reach + torch.tensor(u[2:4]) * (full - 2 * reach)
    off = ((pixel_places(side, side) + 0.5) / side - 0.5) * span
    down, across = off[..., 0], off[..., 1] * (1 if u[4] < 0.5 else -1)
    where = torch.stack([down * cosine - across * sine, down * sine + across * cosine], -1) + centre
    level = min(pyramid, key=lambda image: abs(math.log(span * image.shape[1] / float(full[0]) / side)))
    where = where * torch.tensor(level.shape[1:]) / full - 0.5
    return sample_images(level[None], where[None])[0]


def central_square(image: Tensor, side: int) -> Tensor:
    """The largest square in the middle of a picture (3, Ypx, Xpx), resized: (3, side, side) in 0..1.

    >>> central_square(torch.ones(3, 40, 60), 16).shape
    torch.Size([3, 16, 16])
    """
    least = min(image.shape[1:])
    top, left = ((n - least) // 2 for n in image.shape[1:])
    square = image[None, :, top:top + least, left:left + least]
    return F.interpolate(square, size=(side, side), mode="bilinear", antialias=True, align_corners=False)[0].clamp(0, 1)
