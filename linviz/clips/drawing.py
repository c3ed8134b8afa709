"""Drawing many small clips at once: windows that slide over photographs, and layers laid over them."""
from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CHUNK = 2**19  # pixels drawn at once: a larger chunk only takes more memory
SEEN = 0.4     # a pixel belongs to the mask if at least this fraction of it shows the target


class Backdrop(NamedTuple):
    """A window that slides over a photograph: photos (P, S, S), which (n,), corner (n, T, 2), brightness (n,)."""

    photos: Tensor
    which: Tensor
    corner: Tensor
    brightness: Tensor


class Layers(NamedTuple):
    """L layers of every clip, the last one in front; each a square of `a` pixels that moves.

    cover    (n, L, a, a) in 0..1, how much of a pixel the layer covers
    light    (n, L, a, a) in 0..1, the layer's luma
    opacity  (n, L) in 0..1
    corner   (n, L, T, 2) the upper left pixel, down and across; may lie between pixels
    target   (n, L) 1 for the layer that the task asks about, else 0
    """

    cover: Tensor
    light: Tensor
    opacity: Tensor
    corner: Tensor
    target: Tensor

    def sorted(self, order: Tensor) -> Layers:
        """The layers of every clip in the given order (n, L), back to front.

        >>> Layers(*torch.tensor([[3., 4.]]).expand(5, 1, 2)).sorted(torch.tensor([[1, 0]])).target.tolist()
        [[4.0, 3.0]]
        """
        clip = torch.arange(len(order))[:, None]
        return Layers(*(part[clip, order] for part in self))


def render_clips(backdrop: Backdrop, layers: Layers, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """All clips: grey and mask (n, T, side, side), and the hidden fraction of the target's ink (n, T).

    >>> back = Backdrop(torch.zeros(1, 9, 9), torch.tensor([0]), torch.zeros(1, 1, 2), torch.ones(1))
    >>> dot = Layers(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2), torch.ones(1, 1), torch.ones(1, 1, 1, 2),
    ...              torch.ones(1, 1))
    >>> [part.sum().item() for part in render_clips(back, dot, 5)]
    [4.0, 4, 0.0]
    """
    n, length = backdrop.corner.shape[:2]
    grey, mask = torch.empty(n, length, side, side), torch.empty(n, length, side, side, dtype=torch.bool)
    shown, step = torch.empty(n, length), max(1, CHUNK // (length * side**2))
    for part in (slice(i, i + step) for i in range(0, n, step)):
        back = sliding_windows(backdrop.photos, backdrop.which[part], backdrop.corner[part], side)
        back *= backdrop.brightness[part, None, None, None]
        grey[part], seen = paint_layers(back, Layers(*(x[part] for x in layers)))
        mask[part], shown[part] = seen > SEEN, seen.sum((-1, -2))
    whole = (layers.cover.sum((-1, -2)) * layers.target).sum(1, keepdim=True)
    return grey.clamp_(0, 1), mask, (1 - shown / whole).clamp(0, 1)


def sliding_windows(photos: Tensor, which: Tensor, corner: Tensor, side: int) -> Tensor:
    """Windows of side pixels that slide over photographs (P, S, S): (n, T, side, side).

    which (n,): the photograph; corner (n, T, 2): the window's upper left pixel, 0 <= corner < S - side,
    which may lie between pixels.

    >>> ramp = torch.arange(6.).expand(1, 6, 6)
    >>> sliding_windows(ramp, torch.tensor([0]), torch.tensor([[[0., 1.25]]]), 2)[0, 0].tolist()
    [[1.25, 2.25], [1.25, 2.25]]
    """
    whole = corner.floor()
    at, part = whole.long(), (corner - whole).float()[..., None, None]
    cuts = photos.unfold(1, side + 1, 1).unfold(2, side + 1, 1)
    return _interpolate_pixels(cuts[which[:, None], at[..., 0], at[..., 1]], part)


def _interpolate_pixels(x: Tensor, part: Tensor) -> Tensor:
    """x (..., a, b) interpolated `part` (..., 2, 1, 1) of a pixel further down and across: (..., a - 1, b - 1)."""
    x = torch.lerp(x[..., :-1, :], x[..., 1:, :], part[..., 0, :, :])
    return torch.lerp(x[..., :-1], x[..., 1:], part[..., 1, :, :])


def paint_layers(back: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
    """Paint layers over frames (n, T, side, side), in place: the frames, and how much of each pixel is target.

    >>> dot = Layers(torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2), torch.ones(1, 1), torch.ones(1, 1, 1, 2),
    ...              torch.ones(1, 1))
    >>> frames, seen = paint_layers(torch.zeros(1, 1, 5, 5), dot)
    >>> frames.sum().item(), torch.equal(frames, seen)
    (4.0, True)
    """
    seen = torch.zeros_like(back)
    for number in range(layers.cover.shape[1]):
        cover, light, opacity, corner, target = (part[:, number] for part in layers)
        at, cover, light = _place_layer(cover, light, corner, back.shape[-1])
        _paint_pixels(back, at, cover * opacity[:, None, None, None], light)
        _paint_pixels(seen, at, cover, target[:, None, None, None])
    return back, seen


def _paint_pixels(canvas: Tensor, at: Tensor, weight: Tensor, light: Tensor) -> None:
    flat = canvas.view(-1)
    under = flat[at]
    flat[at] = under + weight * (light - under)


def _place_layer(cover: Tensor, light: Tensor, corner: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """The places of a layer's pixels in the flat canvas, and its cover and light there: (n, T, a + 1, a + 1) each."""
    a = cover.shape[-1]
    whole = corner.floor().clamp(0, side - a - 1)
    part = (1 - (corner - whole)).float()[..., None, None]  # a layer moved by p shows the pixels p before
    frames = torch.arange(corner.shape[0] * corner.shape[1]).view(corner.shape[:2])
    row, column = (whole.long()[..., i, None] + torch.arange(a + 1) for i in (0, 1))
    at = (frames[..., None, None] * side + row[..., None]) * side + column[..., None, :]
    return at, _interpolate_pixels(_pad_rim(cover, 0.0), part), _interpolate_pixels(_pad_rim(light), part)


def _pad_rim(x: Tensor, value: float | None = None) -> Tensor:
    """Pad by one pixel on every side, (n, a, a) -> (n, 1, a + 2, a + 2), with the value or the nearest pixel."""
    padding = ("replicate", None) if value is None else ("constant", value)
    return torch.nn.functional.pad(x[:, None], (1, 1, 1, 1), *padding)


def soft_disc(side: int) -> Tensor:
    """The fraction of each pixel of a square that a disc covers, (side, side); the edge is soft, one pixel wide.

    >>> soft_disc(10)[0, 0].item(), soft_disc(10)[5, 5].item()
    (0.0, 1.0)
    """
    off = torch.arange(side) - (side - 1) / 2
    return (side / 2 - torch.hypot(off[:, None], off)).clamp(0, 1)
