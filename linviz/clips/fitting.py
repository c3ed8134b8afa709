"""A clip cut and resized to a grid of patches, with its ground truth. Frames are resized only here."""
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ..grid import Grid
from ..shapes import Float
from .clip import Clip
from .warp import inside_frame, pixel_places, sample_images

PATCH = 16  # pixels per side of a patch
SHARP = 640  # pixels per side of a picture that is shown, if the original has them


MOST = 112  # patches along the longer side
LOSS = 0.25  # of a picture: where more would be cut off, other numbers of patches are taken


def patch_counts(height: int, width: int, longer: int) -> tuple[int, int]:
    """Rows and columns of square patches for a picture in pixels, with `longer` patches along its longer side.

    At least one along the shorter side. Where more than a quarter of a narrow picture would be cut off, the longer side
    has as many as fit, up to 112.

    >>> patch_counts(480, 640, 28), patch_counts(40, 4000, 28), patch_counts(4000, 10, 28)
    ((21, 28), (1, 100), (112, 1))
    """
    form = max(height, width) / min(height, width)
    short, long = max(1, round(longer / form)), longer
    if cut_share(form, long / short) > LOSS:
        long = min(MOST, max(1, round(short * form)))
    return (short, long) if width >= height else (long, short)


def cut_share(form: float, wanted: float) -> float:
    """The part of a picture that is cut off, if the picture is `form` times as long as high and is to be `wanted`.

    >>> cut_share(2.0, 1.0), cut_share(1.0, 2.0)
    (0.5, 0.5)
    """
    return 1 - min(form, wanted) / max(form, wanted)


def cut_note(clip: Clip, grid: Grid) -> str:
    """What of a clip's frames is cut off so that they become square patches, in pixels and per cent; "" if nothing.

    >>> cut_note(Clip.plain(torch.zeros(1, 3, 48, 64), "dark"), Grid(1, 10, 14))
    'cut off, so that patches are square: 2 of the 48 pixels of its height (4.2 %)'
    """
    _, _, high, wide = _largest_box(clip, grid)
    for kept, full, side in zip((high, wide), clip.size[1:], ("height", "width")):
        if kept < full:
            return (f"cut off, so that patches are square: {full - kept:,} of the {full:,} pixels of its {side} "
                    f"({100 * (full - kept) / full:.1f} %)")
    return ""


def fit(clip: Clip, grid: Grid, patch: int = PATCH) -> Clip:
    """Cut the clip's middle to the grid's aspect ratio and resize it to (Y * patch, X * patch) pixels, antialiased.

    The mask is resized by area (a pixel belongs to the mask if more than half of it does). Motion is scaled, never
    averaged: each pixel takes the motion of the nearest original pixel. If the grid has fewer frames, evenly spaced
    ones are kept, with the first and the last, and motion is chained through the frames left out.
    Raises ValueError for a grid with more frames.

    >>> from linviz import clips
    >>> clips.fit(clips.photograph("chelsea"), Grid(1, 14, 14)).size
    (1, 224, 224)
    """
    if patch < 1:
        raise ValueError(f"a patch has a side of at least one pixel; got {patch}")
    clip = select_frames(clip, grid.T)
    box, size = _largest_box(clip, grid), (grid.Y * patch, grid.X * patch)
    if box == (0, 0, *clip.size[1:]) and size == clip.size[1:]:
        return clip
    top, left, high, wide = box
    cut = (..., slice(top, top + high), slice(left, left + wide))
    mask, motion, known = clip.mask, clip.motion, clip.known
    if mask is not None:
        mask = resize_images(mask[cut][:, None].float(), size)[:, 0] > 0.5
    if motion is not None and known is not None:
        motion, known = _resize_motion(motion[cut], known[cut], size)
    down, across = ((share * full - start) / part for share, full, start, part
                    in zip(clip.query[1:], clip.size[1:], (top, left), (high, wide)))
    return replace(clip, frames=resize_images(clip.frames[cut], size).clamp(0, 1), mask=mask, motion=motion,
                   known=known, query=(clip.query[0], min(1.0, max(0.0, down)), min(1.0, max(0.0, across))))


def fit_sharp(clip: Clip, grid: Grid) -> Clip:
    """The clip cut as by `fit`, for display: at full resolution, up to `SHARP` pixels per side of a frame.

    >>> from linviz import clips
    >>> [fit_sharp(clips.photograph(name), Grid(1, 28, 28)).size[1] // 28 for name in ("coffee", "chelsea")]
    [16, 16]
    """
    _, rows, columns = clip.size
    return fit(clip, grid, max(PATCH, min(SHARP // max(grid.Y, grid.X), rows // grid.Y, columns // grid.X)))


def stretch_frames(frames: Tensor, grid: Grid) -> Tensor:
    """Frames (T, 3, Ypx, Xpx) resized to a grid without a cut, as large as `fit_sharp`: tokens cover whole frames.

    >>> stretch_frames(torch.rand(1, 3, 224, 448), Grid(1, 14, 14)).shape
    torch.Size([1, 3, 224, 224])
    """
    patch = max(PATCH, min(SHARP // max(grid.Y, grid.X), frames.shape[-2] // grid.Y, frames.shape[-1] // grid.X))
    return resize_images(frames, (grid.Y * patch, grid.X * patch)).clamp(0, 1)


def token_mask(clip: Clip, grid: Grid) -> Float[Tensor, "N"]:
    """The fraction of each token's patch that lies on the mask, (N,) in 0..1, in token order; 0 for prefix tokens.

    Raises ValueError for a clip without a mask.

    >>> from linviz import clips
    >>> share = token_mask(clips.load("crossing", frames=2), Grid(2, 14, 14))
    >>> share.shape, share.max().item()
    (torch.Size([392]), 1.0)
    """
    if clip.mask is None:
        raise ValueError(f"clip {clip.name!r} has no mask, so it is unknown which pixels show the object")
    fitted = fit_patches(clip, grid)
    assert fitted.mask is not None
    share = F.adaptive_avg_pool2d(fitted.mask[:, None].float(), (grid.Y, grid.X))[:, 0].flatten()
    return torch.cat([share.new_zeros(grid.prefix), share])


def token_at(clip: Clip, grid: Grid) -> int:
    """Number of the token at the clip's query, after the clip is fitted to the grid.

    >>> from linviz import clips
    >>> grid = Grid(1, 28, 28)
    >>> grid.place(token_at(clips.photograph("coffee"), grid))
    (0, 13, 14)
    """
    frame, down, across = fit_patches(clip, grid).query
    return grid.number(int(frame), min(int(down * grid.Y), grid.Y - 1), min(int(across * grid.X), grid.X - 1))


def fit_patches(clip: Clip, grid: Grid) -> Clip:
    """The clip itself if its frames already are whole square patches of the grid, else fitted with patches of 16.

    >>> from linviz import clips
    >>> astronaut = clips.photograph("astronaut")
    >>> fit_patches(astronaut, Grid(1, 32, 32)).size, fit_patches(astronaut, Grid(1, 28, 28)).size
    ((1, 512, 512), (1, 448, 448))
    """
    t, y, x = clip.size
    square = y % grid.Y == 0 and x % grid.X == 0 and y // grid.Y == x // grid.X
    return clip if t == grid.T and square else fit(clip, grid)


def select_frames(clip: Clip, frames: int) -> Clip:
    """As many frames of a clip, evenly spaced, the first and the last among them; motion is chained between them."""
    total = clip.size[0]
    if frames == total:
        return clip
    if frames > total:
        raise ValueError(f"clip {clip.name!r} has {total} frame{'s' * (total > 1)} and the grid {frames}; "
                         f"take a grid with T <= {total} or a clip with more frames")
    at = torch.linspace(0, total - 1, frames).round().long() if frames > 1 else torch.tensor([0])
    motion, known = clip.motion, clip.known
    if motion is not None and known is not None:
        motion, known = _chain_motion(motion, known, at.tolist())
    nearest = int((at - clip.query[0]).abs().argmin())
    return replace(clip, frames=clip.frames[at], mask=None if clip.mask is None else clip.mask[at],
                   motion=motion, known=known, query=(nearest, *clip.query[1:]))


def _chain_motion(motion: Tensor, known: Tensor, at: list[int]) -> tuple[Tensor, Tensor]:
    """Motion between kept frames, followed through the frames in between: (T'-1, 2, Y, X), (T'-1, Y, X)."""
    here = pixel_places(*motion.shape[-2:])
    moves, sure = [motion[:0]], [known[:0]]
    for start, stop in zip(at, at[1:]):
        where, good = here, torch.ones_like(known[0])
        for t in range(start, stop):
            step = sample_images(torch.cat([motion[t], known[t, None].float()])[None], where[None], mode="nearest")[0]
            good = good & (step[2] > 0.5) & inside_frame(where, *known.shape[-2:])
            where = where + step[:2].permute(1, 2, 0)
        moves.append((where - here).permute(2, 0, 1)[None])
        sure.append(good[None])
    return torch.cat(moves), torch.cat(sure)


def _largest_box(clip: Clip, grid: Grid) -> tuple[int, int, int, int]:
    """Top, left, height, width of the largest centred box with the grid's aspect ratio, in whole pixels."""
    _, y, x = clip.size
    high, wide = min(y, max(1, round(x * grid.Y / grid.X))), min(x, max(1, round(y * grid.X / grid.Y)))
    return (y - high) // 2, (x - wide) // 2, high, wide


def resize_images(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Images (T, C, Y, X) at another size, antialiased."""
    return F.interpolate(images, size=size, mode="bilinear", antialias=True, align_corners=False)


def _resize_motion(motion: Tensor, known: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    scale = torch.tensor(size) / torch.tensor(motion.shape[-2:])
    both = F.interpolate(torch.cat([motion, known[:, None].float()], 1), size=size, mode="nearest-exact")
    motion = both[:, :2] * scale.reshape(2, 1, 1)
    target = pixel_places(*size) + motion.permute(0, 2, 3, 1)
    return motion, (both[:, 2] > 0.5) & inside_frame(target, *size)
