"""Colours that cannot be known, only copied: the photograph's own in another hue, or a random curve of the grey value.

A colour is its luma Y = .299 R + .587 G + .114 B and two differences, .7 (R - Y) and .7 (B - Y), each about 0 for grey.
The differences of a window to be painted are drawn anew every time:

    its own colours, turned by a random angle in the plane of the two differences    half of the time
    the same plus a curve of Y: like greys have like colours                         a quarter
    the curve alone                                                                  a quarter

A grey photograph has no colours of its own, so it always gets a curve. In the setting "half" waves over place take the
role of the curve in half of the windows.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from .sources import LUMA

SCALE = 0.7             # of the differences
LIMIT = 0.5             # of a painted difference, either sign
SINES, SINE_SPREAD = 3, 0.12
SINE_RATES = (0.5 * math.pi, 2.5 * math.pi)     # per unit of Y
WAVES, WAVE_SPREAD = 4, 0.16
WAVE_CYCLES = (0.8, 4.0)                        # per side of the window
PAINTED = 3 + 3 * 2 * SINES + 5 * WAVES         # random numbers for one window


def split_colour(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """RGB (..., 3, Ypx, Xpx) in 0..1 -> luma (..., 1, Ypx, Xpx) and two differences (..., 2, Ypx, Xpx).

    >>> luma, differences = split_colour(torch.tensor([1.0, 0.5, 0.0])[:, None, None])
    >>> [round(x, 4) for x in (*luma.flatten().tolist(), *differences.flatten().tolist())]
    [0.5925, 0.2853, -0.4147]
    """
    luma = (rgb * torch.tensor(LUMA)[:, None, None]).sum(-3, keepdim=True)
    return luma, SCALE * (rgb[..., 0::2, :, :] - luma)


def join_colour(luma: Tensor, differences: Tensor) -> Tensor:
    """The inverse of `split_colour`, cut to 0..1.

    >>> rgb = torch.rand(3, 4, 5)
    >>> torch.allclose(join_colour(*split_colour(rgb)), rgb, atol=1e-6)
    True
    """
    red, blue = (luma + differences / SCALE).split(1, -3)
    green = (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return torch.cat([red, green, blue], -3).clamp(0, 1)


def painted_differences(luma: Tensor, own: Tensor, u: Tensor, grey: Tensor, by_place: float = 0.0) -> Tensor:
    """The differences to be painted (n, 2, Ypx, Xpx), from each window's own by u (n, PAINTED) in 0..1.

    grey (n,) bool: windows of photographs without colour. by_place: how often waves replace the curve.

    >>> luma, own = split_colour(torch.rand(2, 3, 8, 8))
    >>> painted_differences(luma, own, torch.rand(2, PAINTED), torch.tensor([False, True])).shape
    torch.Size([2, 2, 8, 8])
    """
    kind, angle, place, rest = *u[:, :3].float().unbind(1), u[:, 3:].float()
    sines, waves = rest.split((3 * 2 * SINES, 5 * WAVES), 1)
    paint = luma_curve(luma, sines)
    if by_place:
        paint = torch.where(as_pixels(place < by_place), place_waves(waves, luma.shape[-1]), paint)
    with_own, with_paint = as_pixels(kind < 0.75), as_pixels((kind >= 0.5) | grey)
    return (with_own * turned_hue(own, 2 * math.pi * angle) + with_paint * paint).clamp(-LIMIT, LIMIT)


def as_pixels(x: Tensor) -> Tensor:
    """One value per window, for multiplication with its pixels: (n,) -> (n, 1, 1, 1)."""
    return x[:, None, None, None]


def turned_hue(differences: Tensor, angle: Tensor) -> Tensor:
    """Differences (n, 2, Ypx, Xpx) turned by an angle (n,) in their plane.

    >>> turned_hue(torch.tensor([[[[1.0]], [[0.0]]]]), torch.tensor([math.pi])).flatten().round().tolist()
    [-1.0, -0.0]
    """
    one, other = differences.unbind(1)
    cosine, sine = (x[:, None, None] for x in (angle.cos(), angle.sin()))
    return torch.stack([cosine * one - sine * other, sine * one + cosine * other], 1)


def luma_curve(luma: Tensor, u: Tensor) -> Tensor:
    """Each difference as a random sum of sines of the luma (n, 1, Ypx, Xpx): (n, 2, Ypx, Xpx)."""
    rate, phase, height = u.view(len(u), 3, 2, SINES)[..., None, None].unbind(1)
    low, high = SINE_RATES
    rate, phase, height = low + (high - low) * rate, 2 * math.pi * phase, SINE_SPREAD * normal_draws(height)
    sines = [height[:, :, k] * (luma * rate[:, :, k] + phase[:, :, k]).sin() for k in range(SINES)]
    return torch.stack(sines).sum(0)


def place_waves(u: Tensor, side: int) -> Tensor:
    """Each difference as a random sum of plane waves over the window: (n, 2, side, side)."""
    length, way, phase, *heights = u.view(len(u), 5, WAVES).unbind(1)
    low, high = (math.log(x) for x in WAVE_CYCLES)
    cycles, way = 2 * math.pi * (low + (high - low) * length).exp(), 2 * math.pi * way
    place = (torch.arange(side) + 0.5) / side
    down, across = ((cycles * x)[..., None] * place for x in (way.cos(), way.sin()))
    waves = (down[..., None] + across[:, :, None] + 2 * math.pi * phase[..., None, None]).cos()
    heights_of_both = WAVE_SPREAD * normal_draws(torch.stack(heights, 1))
    return torch.einsum("nck,nkyx->ncyx", heights_of_both, waves)


def normal_draws(u: Tensor) -> Tensor:
    """Numbers in 0..1 as numbers of the standard normal distribution.

    >>> normal_draws(torch.tensor([0.5, 0.975])).mul(100).round().tolist()
    [0.0, 196.0]
    """
    return torch.special.ndtri(u.clamp(1e-6, 1 - 1e-6))
