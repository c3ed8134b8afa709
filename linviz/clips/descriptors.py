"""Queries, keys and values without any training: each patch is described by its colour, its edges and its position.

    6   CIELAB: mean and spread (standard deviation) of L, a, b over the patch
    8   edges: fraction of the patch's gradient of L, by magnitude, in each of eight orientations of 22.5 degrees
    2   position: row and column
    2   clips only: the frame, and how much the patch's L changes to the next frame

Every one of the D = 16 (photograph) or 18 (clip) numbers is standardised over all patches of the clip, so each has
the same weight, and position is two numbers of sixteen: similar patches attend to each other, near ones a little more.
"""
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..grid import Grid, as_grid
from ..shapes import Float, Keys, Queries, Values
from .clip import Clip
from .fitting import fit_patches

DESCRIPTORS_NOTE = "similarity of raw patch descriptors; nothing was learned"
AROUND_NOTE = "similarity of a patch's descriptors and those around another patch; nothing was learned"
KEYS = ("own", "around")
ORIENTATIONS = 8
COLOURS = ("lightness", "green to red", "blue to yellow")
CHANNELS = (*COLOURS, *(f"{name}, spread" for name in COLOURS), *(f"edges at {22.5 * n:g}°" for n in range(8)),
            "row", "column", "frame", "change to the next frame")  # the last two only for clips
STILL = 1e-6  # gradient in units of L; below it a patch counts as having no edges, so rounding errors are none
ALIKE = 5e-3  # spread of a descriptor over the patches; below it all are equal (grey has a and b up to 0.004)


def descriptors(clip: Clip, grid: Grid | Sequence[int], temperature: float = 1.0,
                keys: str = "own") -> tuple[Queries, Keys, Values]:
    """q, k, v, each (1, 1, N, D) float32, for N = T * Y * X tokens in the grid's order; D is 16, and 18 for clips.

    v are the descriptors, and q = k = v / sqrt(temperature), so every logit q.k is divided by the temperature.
    Below 1 attention is sharper. keys="around": a key describes the patches around its own instead, the mean of up to
    eight neighbours in its frame, standardised again, so that q and k differ. A clip whose frames are not
    whole patches of the grid is fitted to the grid first.
    grid: a Grid, (rows, columns) or (frames, rows, columns). Raises ValueError for a temperature of 0 or below, for
    other keys, for what is no clip, and for a grid with prefix tokens, which have no patch.

    >>> from linviz import clips
    >>> q, k, v = descriptors(clips.photograph("coffee"), Grid(1, 14, 14))
    >>> q.shape, torch.equal(q, v)
    (torch.Size([1, 1, 196, 16]), True)
    """
    if not (0 < temperature < math.inf):
        raise ValueError(f"temperature must be a number above 0; got {temperature}")
    if keys not in KEYS:
        raise ValueError(f"keys describe their own patch ('own') or the patches around it ('around'); got {keys!r}")
    if not isinstance(clip, Clip):
        raise ValueError(f"descriptors are of a Clip, as clips.load('chelsea') gives it; got {clip!r:.80}")
    grid = as_grid(grid)
    if grid.prefix:
        raise ValueError(f"prefix tokens have no patch and no descriptor; use a grid without prefix tokens, not {grid}")
    v = standardise_columns(raw_descriptors(fit_patches(clip, grid), grid))[None, None]
    k = v if keys == "own" else standardise_columns(neighbour_means(v[0, 0], grid))[None, None]
    return v * temperature**-0.5, k * temperature**-0.5, v


def neighbour_means(x: Float[Tensor, "N D"], grid: Grid) -> Float[Tensor, "N D"]:
    """The mean of the up to eight patches around each patch in its frame, (N, D); a patch without any keeps its own.

    >>> neighbour_means(torch.tensor([[1.0], [2.0], [6.0]]), Grid(X=3)).flatten().tolist()
    [2.0, 3.5, 2.0]
    """
    images = grid.fold(x).movedim(-1, 1)    # T, D, Y, X
    ones = images.new_ones(1, 1, 3, 3)
    ones[0, 0, 1, 1] = 0
    sums = F.conv2d(images.flatten(0, 1)[:, None], ones, padding=1).view(images.shape)
    counts = F.conv2d(images.new_ones(1, 1, grid.Y, grid.X), ones, padding=1)
    means = torch.where(counts > 0, sums / counts.clamp_min(1), images)
    return grid.unfold(means.movedim(1, -1))


def raw_descriptors(clip: Clip, grid: Grid) -> Float[Tensor, "N D"]:
    """The descriptors in their own units, not standardised: (N, D). The clip's frames must be whole patches.

    >>> from linviz import clips
    >>> raw_descriptors(clips.photograph("astronaut"), Grid(1, 32, 32)).shape
    torch.Size([1024, 16])
    """
    lab = to_lab(clip.frames)
    colour = _cut_patches(lab, grid)
    parts = [colour.mean(-1), colour.std(-1, correction=0), _edge_histogram(lab[:, 0], grid),
             grid.places()[:, 1:].float()]
    if grid.T > 1:
        parts += [grid.places()[:, :1].float(), _mean_change(lab[:, 0], grid)]
    return torch.cat(parts, 1)


def standardise_columns(x: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Mean 0 and standard deviation 1 in every column, (N, D); a column with equal entries becomes 0.

    >>> standardise_columns(torch.tensor([[1., 5.], [3., 5.]])).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    spread = x.std(0, correction=0)
    return torch.where(spread > ALIKE, (x - x.mean(0)) / spread.clamp_min(ALIKE), 0)


def to_lab(frames: Tensor) -> Tensor:
    """RGB frames (T, 3, Ypx, Xpx) in 0..1 -> CIELAB, the same shape; L in 0..100, a and b about -100..100.

    >>> to_lab(torch.ones(1, 3, 1, 1)).flatten().round().abs().tolist()
    [100.0, 0.0, 0.0]
    """
    from skimage.color import rgb2lab  # here and not above: it takes longer to import than linviz itself
    return torch.from_numpy(rgb2lab(frames.permute(0, 2, 3, 1).numpy())).permute(0, 3, 1, 2)


def _cut_patches(images: Tensor, grid: Grid) -> Tensor:
    """(T, C, Ypx, Xpx) -> (N, C, pixels of a patch)."""
    side = images.shape[-1] // grid.X
    cut = images.unflatten(-1, (grid.X, side)).unflatten(-3, (grid.Y, side))  # T, C, Y, side, X, side
    return cut.permute(0, 2, 4, 1, 3, 5).flatten(-2).flatten(0, 2)


def _edge_histogram(light: Tensor, grid: Grid) -> Tensor:
    """Fractions of the gradient of L (T, Ypx, Xpx) per orientation: (N, 8). Rows sum to one, or zero without edges."""
    padded = F.pad(light[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    down = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    across = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    turned = torch.atan2(down, across) * (ORIENTATIONS / math.pi)
    which = turned.floor().long().remainder(ORIENTATIONS)  # opposite gradients belong to the same edge
    strength = _cut_patches(torch.hypot(down, across)[:, None], grid)[:, 0]
    which = _cut_patches(which[:, None], grid)[:, 0]
    sums = strength.new_zeros(len(grid), ORIENTATIONS).scatter_add(1, which, strength)
    pixels = strength.shape[1]
    return sums / (sums.sum(1, keepdim=True) + STILL * pixels)


def _mean_change(light: Tensor, grid: Grid) -> Tensor:
    """Mean change of L from each frame to the next, per patch: (N, 1); the last frame repeats the one before."""
    change = light.diff(dim=0).abs()
    return _cut_patches(torch.cat([change, change[-1:]])[:, None], grid)[:, 0].mean(-1, keepdim=True)
