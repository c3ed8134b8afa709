"""Photographs and handwritten digits that tasks are drawn from, divided so that no two splits share any.

    train    11 photographs, 60 % of the digits
    test      6 photographs, 20 % of the digits: used often
    sealed    5 photographs, 20 % of the digits: kept unseen for one last measurement

All are files inside scikit-image and scikit-learn. The digits are the test set of UCI's "Optical Recognition of
Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998), a copy of which scikit-learn ships as `load_digits()`:
scikit-learn is under the BSD 3-Clause licence, and its description of this set names no separate licence.

A photograph is taken as its largest centred square, as luma 0.299 R + 0.587 G + 0.114 B. Within each class
the digits are divided in the order of their number: the first 60 %, the next 20 %, the rest. The numbers mostly follow
the writers, so most writers of one split wrote nothing in another split.
"""
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .photographs import known_name

SPLITS = ("train", "test", "sealed")
SHARES = (0.0, 0.6, 0.8, 1.0)   # where each split begins and ends in the digits of a class
LUMA = (0.299, 0.587, 0.114)
CC_BY = "CC BY 2.0"
DIGITS_BY = "E. Alpaydin and C. Kaynak (1998)"
DIGITS_LICENCE = "from UCI, in scikit-learn (BSD 3-Clause), which names no licence of their own"


class Source(NamedTuple):
    """A photograph: its name, author, licence, the split it belongs to, and the function that loads it."""

    name: str
    author: str
    licence: str
    split: str
    loader: str


def _split_members(split: str, *rows: tuple[str, ...]) -> tuple[Source, ...]:
    return tuple(Source(row[0], row[1], row[2], split, row[3] if len(row) > 3 else f"skimage.data.{row[0]}")
                 for row in rows)


SOURCES = (
    *_split_members("train",
           ("astronaut", "NASA", "public domain"),
           ("chelsea", "Stefan van der Walt", "CC0"),
           ("coffee", "Rachel Michetti, courtesy of Pikolo Espresso Bar", "CC0"),
           ("brick", "CC0Textures", "CC0"),
           ("grass", "linolafett", "CC0"),
           ("hubble_deep_field", "NASA, ESA, G. Illingworth and the HUDF09 team", "public domain"),
           ("motorcycle", "D. Scharstein and others (2014)",
            "Middlebury 2014 stereo data: no open licence stated, please cite the authors (GCPR 2014)",
            "skimage.data.stereo_motorcycle"),
           ("camera", "Lav Varshney", "CC0"),
           ("rocket", "SpaceX", "public domain"),
           ("colorwheel", "not named in scikit-image", "none named in scikit-image"),
           ("china", "danielbuechele", CC_BY, "sklearn.datasets.load_sample_image")),
    *_split_members("test",
           ("gravel", "CC0Textures", "CC0"),
           ("retina", "Mikael Häggström", "CC0"),
           ("coins", "Brooklyn Museum", "no known copyright restrictions"),
           ("moon", "not named in scikit-image", "none named in scikit-image"),
           ("cell", "P. Müller and others (2018)", "CC0"),
           ("flower", "vultilion", CC_BY, "sklearn.datasets.load_sample_image")),
    *_split_members("sealed",
           ("immunohistochemistry", "Center for Microscopy And Molecular Imaging", "no known copyright restrictions"),
           ("page", "not named in scikit-image", "none named in scikit-image"),
           ("text", "Wikipedia, File:Corner.png", "public domain"),
           ("clock", "Stefan van der Walt", "public domain"),
           ("microaneurysms", "A. Budai and others (2013)", "CC0")))


def split_number(split: str, opened: bool = False) -> int:
    """The index of a split in SPLITS. ValueError for an unknown name, and for "sealed" unless `opened` is True.

    >>> split_number("test"), split_number("sealed", opened=True)
    (1, 2)
    """
    if known_name(split, SPLITS, "split") == "sealed" and not opened:
        raise ValueError('the split "sealed" is kept for one last measurement; if this is the one, pass opened=True')
    return SPLITS.index(split)


def source_numbers(split: str) -> Tensor:
    """The numbers in SOURCES that belong to a split: (P,) int64.

    >>> source_numbers("test").tolist()
    [11, 12, 13, 14, 15, 16]
    """
    return torch.tensor([i for i, source in enumerate(SOURCES) if source.split == split])


@lru_cache(maxsize=8)
def split_photographs(split: str, side: int) -> Tensor:
    """The photographs of a split as squares of luma in 0..1, in the order of `source_numbers`: (P, side, side) float32.

    >>> split_photographs("test", 20).shape
    torch.Size([6, 20, 20])
    """
    return torch.stack([_square_crop(_source_luma(source), side) for source in SOURCES if source.split == split])


def source_pixels(source: Source) -> np.ndarray:
    """A photograph as it is stored in its package: (Ypx, Xpx) or (Ypx, Xpx, 3 or 4) uint8.

    >>> source_pixels(SOURCES[2]).shape
    (400, 600, 3)
    """
    import skimage.data  # here and not above: it takes longer to import than linviz itself
    if source.loader.startswith("sklearn"):
        from sklearn.datasets import load_sample_image
        image = load_sample_image(f"{source.name}.jpg")
    else:
        image = getattr(skimage.data, source.loader.rpartition(".")[2])()
    return np.asarray(image[0] if isinstance(image, tuple) else image)  # the left picture of the stereo pair


def _source_luma(source: Source) -> Tensor:
    image = source_pixels(source)
    light = image if image.ndim == 2 else image[..., :3] @ np.array(LUMA)
    return torch.from_numpy(light.astype(np.float32) / 255)


def _square_crop(light: Tensor, side: int) -> Tensor:
    least = min(light.shape)
    top, left = ((size - least) // 2 for size in light.shape)
    square = light[None, None, top:top + least, left:left + least]
    resized = F.interpolate(square, size=(side, side), mode="bicubic", antialias=True, align_corners=False)
    return resized[0, 0].clamp(0, 1)


@lru_cache(maxsize=8)
def digit_ink(split: str, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """The digits of a split: ink (M, side, side) float32 in 0..1, class (M,), number in load_digits (M,) int64.

    >>> cover, classes, numbers = digit_ink("train", 10)
    >>> cover.shape, numbers[:3].tolist()
    (torch.Size([1078, 10, 10]), [0, 1, 2])
    """
    from sklearn.datasets import load_digits  # here and not above: it takes a second to import
    data = load_digits()
    at, classes = _split_evenly(split, torch.from_numpy(data.target).long())
    small = torch.from_numpy(data.images).float()[at, None] / 16
    large = F.interpolate(small, size=(side, side), mode="bicubic", align_corners=False)
    return large[:, 0].clamp(0, 1), classes, at


def _split_evenly(split: str, target: Tensor) -> tuple[Tensor, Tensor]:
    begin, end = SHARES[SPLITS.index(split):][:2]
    own = [(target == digit).nonzero()[:, 0] for digit in range(10)]
    at = torch.cat([i[round(begin * len(i)):round(end * len(i))] for i in own]).sort().values
    return at, target[at]
