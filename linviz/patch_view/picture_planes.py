"""Pictures as planes, one per colour, and small maps enlarged to the size of a picture, some rows at a time.

A picture of 1280 x 720 has 2.8 million numbers. Rows are enlarged in blocks that stay in the processor's cache.
"""
from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from PIL import Image
from torch import Tensor

ROWS = 64  # of a picture at most are drawn at once


def picture_planes(image: Image.Image) -> Tensor:
    """Red, green and blue of an RGB image, (3, Y, X), uint8.

    >>> picture_planes(Image.new("RGB", (3, 2), (1, 2, 3)))[:, 0, 0].tolist()
    [1, 2, 3]
    """
    planes = np.empty((3, image.height, image.width), np.uint8)
    for plane, band in zip(planes, image.split(), strict=True):
        plane[...] = np.asarray(band)
    return torch.from_numpy(planes)


class PaintedRows:
    """A picture that is written in blocks of rows.

    >>> painted = PaintedRows((3, 2))
    >>> painted.write(slice(0, 2), torch.full((3, 2, 3), 127.6))
    >>> painted.image().getpixel((0, 0))
    (128, 128, 128)
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size, self._planes = size, np.empty((3, size[1], size[0]), np.uint8)

    def write(self, rows: slice, colours: Tensor) -> None:
        """Colours (3, rows, X) in 0..255, rounded in place."""
        np.copyto(self._planes[:, rows], colours.add_(0.5).numpy(), casting="unsafe")

    def image(self) -> Image.Image:
        """The picture as an RGB image."""
        return Image.merge("RGB", [Image.frombuffer("L", self.size, plane, "raw", "L", 0, 1) for plane in self._planes])


def enlarged_blocks(maps: Tensor, size: tuple[int, int]) -> Iterator[tuple[slice, Tensor]]:
    """Maps (M, Y, X) interpolated to pictures of a size (width, height), in blocks: rows, and (M, rows, width).

    >>> [(rows, block)] = enlarged_blocks(torch.tensor([[[0.0, 1.0]]]), (4, 1))
    >>> block.tolist()
    [[[0.0, 0.25, 0.75, 1.0]]]
    """
    low, high, part = _between_centres(maps.shape[2], size[0])
    wide = torch.lerp(maps[..., low].float(), maps[..., high].float(), part)
    low, high, part = _between_centres(maps.shape[1], size[1])
    ends = torch.unique_consecutive(low, return_counts=True)[1].cumsum(0).tolist()
    for first, end in pairwise([0, *ends]):  # rows between the same two rows of patches
        above, below = wide[:, low[first], None], wide[:, high[first], None]
        for y in range(first, end, ROWS):
            rows = slice(y, min(y + ROWS, end))
            yield rows, torch.lerp(above, below, part[rows, None])


def _between_centres(patches: int, pixels: int) -> tuple[Tensor, Tensor, Tensor]:
    """The two patches between whose centres each pixel lies, and its place from the first to the second, in 0..1."""
    at = ((torch.arange(pixels) + 0.5) * patches / pixels - 0.5).clamp(0, patches - 1)
    low = at.long()
    return low, (low + 1).clamp_max(patches - 1), at - low
