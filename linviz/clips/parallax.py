"""A camera slides past a motorcycle: two photographs with measured depth become a clip with true motion.

The pair is rectified: what the left camera sees at column x, the right camera sees at column x - d, and the
disparity d was measured with structured light. A camera at a fraction s of the way from left to right therefore
sees it at x - s d: near things move fast, far things slowly. What is hidden from one camera is taken from the other.

    D. Scharstein, H. Hirschmueller, Y. Kitajima, G. Krathwohl, N. Nesic, X. Wang, P. Westling (2014).
    High-resolution stereo datasets with subpixel-accurate ground truth. GCPR 2014.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .clip import Clip
from .photographs import image_file, load_pixels
from .warp import inside_frame, pixel_places, sample_images

ROWS, COLUMNS = slice(20, 468), slice(24, 696)  # 448 x 672: 28 x 42 patches of 16 pixels, cut and not resized
FLOOR = (0.1674, -0.00185, -26.11)  # disparity of the garage floor = a row + b column + c, fitted to rows below 420
ABOVE_FLOOR, FARTHEST = 2.0, 33.0   # the motorcycle is nearer than the floor by this much, and nearer than the bench
TANK = (200, 400)                   # row and column of the petrol tank in the left picture
AGREE = 1.0                         # two disparities within one pixel belong to the same surface


def motorcycle(seed: int = 0, frames: int = 8) -> Clip:
    """A camera sliding past a motorcycle, frames x 448 x 672 with mask and motion. Scharstein et al. 2014.

    Seed 0 goes from the left camera to the right one; other seeds go part of the way, to and fro.

    >>> motorcycle(frames=2).size
    (2, 448, 672)
    """
    left, right, disparity = _stereo_pair()
    way = _camera_path(seed, frames)
    full = _fill_disparity(disparity)
    of_right = _fill_disparity(_splat_disparity(full, 1.0))
    views = [_render_view((left, right), (full, of_right), disparity, share) for share in way.tolist()]
    images, near, true = (torch.stack(parts) for parts in zip(*views))
    motion, known = _parallax_motion(near, true, way)
    row, column = TANK[0] - ROWS.start, TANK[1] - COLUMNS.start - way[0].item() * full[TANK].item()
    return Clip(
        "motorcycle", "Sliding past a motorcycle", images[..., ROWS, COLUMNS].contiguous(),
        author="D. Scharstein, H. Hirschmueller, Y. Kitajima, G. Krathwohl, N. Nesic, X. Wang, P. Westling (2014)",
        licence="Middlebury 2014 stereo data: no open licence stated, please cite the authors (GCPR 2014)",
        source="scikit-image, skimage.data.stereo_motorcycle()",
        recipe=f"A camera slides from {way[0]:.0%} to {way[-1]:.0%} of the way between the two photographs of a stereo "
               "pair; every pixel moves by its measured disparity, and what one photograph hides comes from the other. "
               "The mask is everything nearer than the floor and the bench, by the same disparity.",
        alt="A red motorcycle on its stand in a garage, before wooden walls, a bench and metal shelves; as the camera "
            "slides sideways the motorcycle moves quickly and the wall behind it slowly.",
        mask=(true & _motorcycle_mask(near, way))[:, ROWS, COLUMNS].contiguous(),
        motion=motion[..., ROWS, COLUMNS].contiguous(),
        known=_cut_known(known, motion),
        query=(0, (row + 0.5) / 448, (column + 0.5) / 672))


def _stereo_pair() -> tuple[Tensor, Tensor, Tensor]:
    """Left and right picture (1, 3, 500, 741) and the left one's disparity (500, 741), inf if not measured."""
    with np.load(image_file("motorcycle_left").with_name("motorcycle_disp.npz")) as arrays:
        disparity = torch.from_numpy(arrays["arr_0"]).float()
    return load_pixels("motorcycle_left"), load_pixels("motorcycle_right"), _drop_blurred(disparity)


def _drop_blurred(disparity: Tensor) -> Tensor:
    """Drop (set to inf) the false values that shrinking the measurement left at the edges of objects."""
    known = torch.isfinite(disparity)
    nearest = F.max_pool2d(torch.where(known, disparity, -torch.inf)[None], 5, 1, 2)[0]
    farthest = -F.max_pool2d(torch.where(known, -disparity, -torch.inf)[None], 5, 1, 2)[0]
    between = (nearest - disparity > AGREE) & (disparity - farthest > AGREE)
    return torch.where(known & ~between, disparity, torch.inf)


def _camera_path(seed: int, frames: int) -> Tensor:
    """The camera's position in each frame, as a fraction of the way from left to right: (T,)."""
    if seed == 0:
        return torch.linspace(0, 1, frames)
    draw = torch.rand(3, generator=torch.Generator().manual_seed(seed))
    length = 0.6 + 0.4 * draw[0].item()
    start = (1 - length) * draw[1].item()
    way = torch.linspace(start, start + length, frames)
    return way.flip(0) if draw[2] > 0.5 else way


def _fill_disparity(disparity: Tensor) -> Tensor:
    """Give unknown pixels (below 0 or not finite) the farther of their known neighbours in the row."""
    known = torch.isfinite(disparity) & (disparity > 0)
    column = torch.arange(disparity.shape[1]).expand_as(disparity)
    before = torch.where(known, column, -1).cummax(1).values
    after = torch.where(known, column, column.shape[1]).flip(1).cummin(1).values.flip(1)
    far = torch.full_like(disparity[:, :1], torch.inf)
    padded = torch.cat([far, disparity, far], 1)  # no neighbour on this side: infinitely near, so never taken
    return torch.minimum(padded.gather(1, before + 1), padded.gather(1, after + 1))


def _splat_disparity(disparity: Tensor, share: float) -> Tensor:
    """Disparity seen by a camera at that fraction of the way. The nearest surface wins; -1 where nothing lands."""
    column = torch.arange(disparity.shape[1])
    ahead = torch.cat([disparity[:, 1:], disparity[:, -1:]], 1)
    between = torch.where((ahead - disparity).abs() < AGREE, (ahead + disparity) / 2, torch.inf)
    seen = _place_values(column - share * disparity, disparity)
    cracks = _place_values(column + 0.5 - share * between, between)  # a surface that widens must have no gaps
    return torch.where(cracks > seen + AGREE, cracks, seen)


def _place_values(at: Tensor, values: Tensor) -> Tensor:
    """Put each value at the column nearest to `at`, the largest where several land; -1 where none does."""
    rows, columns = values.shape
    at = torch.where(torch.isfinite(at) & (at > -0.5) & (at < columns - 0.5), at.round(), columns).long()
    empty = torch.full((rows, columns + 1), -1.0)  # the last column collects the values that leave the picture
    return empty.scatter_reduce(1, at, values.nan_to_num(-1, -1, -1), "amax")[:, :columns]


def _render_view(pair: tuple[Tensor, Tensor], full: tuple[Tensor, Tensor], measured: Tensor,
          share: float) -> tuple[Tensor, Tensor, Tensor]:
    """One picture (3, Y, X), its disparity (Y, X), and where that was measured (Y, X) bool.

    pair, full: both photographs and their disparities with holes filled; measured: the left disparity with holes.
    """
    seen = _splat_disparity(full[0], share)
    near = _fill_disparity(seen)
    where, size = pixel_places(*near.shape), near.shape
    to_left = where + torch.stack([torch.zeros_like(near), share * near], -1)
    to_right = where - torch.stack([torch.zeros_like(near), (1 - share) * near], -1)
    by_right = sample_images(full[1][None, None], to_right[None], mode="nearest")[0, 0]
    weight_left = (1 - share) * ((seen > 0) & inside_frame(to_left, *size))
    weight_right = share * (((by_right - near).abs() < AGREE) & inside_frame(to_right, *size))
    weight = (weight_right + 1e-6) / (weight_left + weight_right + 1e-6)  # hidden from both: right pixel
    image = torch.lerp(sample_images(pair[0], to_left[None])[0], sample_images(pair[1], to_right[None])[0], weight)
    return image.clamp(0, 1), near, (seen > 0) & (_splat_disparity(measured, share) == seen)


def _parallax_motion(near: Tensor, true: Tensor, way: Tensor) -> tuple[Tensor, Tensor]:
    """Motion (T-1, 2, Y, X), and where it is measured and its target visible: (T-1, Y, X)."""
    across = -way.diff()[:, None, None] * near[:-1]
    motion = torch.stack([torch.zeros_like(across), across], 1)
    target = pixel_places(*near.shape[1:]) + motion.permute(0, 2, 3, 1)
    there = sample_images(near[1:, None], target, mode="nearest")[:, 0]
    sure = sample_images(true[1:, None].float(), target, mode="nearest")[:, 0] > 0.5
    return motion, true[:-1] & sure & ((there - near[:-1]).abs() < AGREE) & inside_frame(target, *near.shape[1:])


def _cut_known(known: Tensor, motion: Tensor) -> Tensor:
    """Cut `known` to the visible part of the picture, leaving out pixels that move beyond it."""
    cut = motion[..., ROWS, COLUMNS]
    target = pixel_places(*cut.shape[-2:]) + cut.permute(0, 2, 3, 1)
    return known[:, ROWS, COLUMNS] & inside_frame(target, *cut.shape[-2:])


def _motorcycle_mask(near: Tensor, way: Tensor) -> Tensor:
    """The pixels nearer than the floor below them and nearer than the bench: (T, Y, X) bool."""
    row, column = pixel_places(*near.shape[1:]).unbind(-1)
    in_left = column + way[:, None, None] * near  # the floor was fitted in the left picture
    floor = FLOOR[0] * row + FLOOR[1] * in_left + FLOOR[2]
    return near > (floor + ABOVE_FLOOR).clamp_min(FARTHEST)
