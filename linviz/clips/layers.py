"""Cut-outs that move over a background, and their ground truth: which is in front, and where every pixel goes."""
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .warp import inside_frame, pixel_places, sample_images

SURE = 0.02  # an opacity this near to 0 or 1 counts as clear; between them a pixel shows two layers


class Oval(NamedTuple):
    """An ellipse in a photograph, in pixels: centre down and across, radius down and across."""

    down: float
    across: float
    high: float
    wide: float


@dataclass(frozen=True, eq=False)
class CutOut:
    """A picture with opacity, rgba (4, h, w) in 0..1; its centre follows path (T, 2), in pixels down and across."""

    rgba: Tensor
    path: Tensor

    def on(self, side: int) -> Tensor:
        """The cut-out alone on an empty canvas, (T, 4, side, side).

        >>> dot = CutOut(torch.ones(4, 3, 3), torch.tensor([[2., 2.]]))
        >>> dot.on(5)[0, 3].sum().item()
        9.0
        """
        middle = (torch.tensor(self.rgba.shape[1:]) - 1) / 2
        where = pixel_places(side, side) - self.path[:, None, None] + middle
        images = self.rgba.expand(len(self.path), -1, -1, -1)
        return torch.cat([sample_images(images[:, :3], where), sample_images(images[:, 3:], where, outside="zeros")], 1)


@dataclass(frozen=True, eq=False)
class Scene:
    """frames (T, 3, Y, X); owner (T, Y, X): a pixel's layer, 0 for background; sure (T, Y, X): no other."""

    frames: Tensor
    owner: Tensor
    sure: Tensor


def compose_frames(background: Tensor, cutouts: list[CutOut]) -> Scene:
    """Lay the cut-outs over a background (T, 3, side, side), the last one in front.

    >>> scene = compose_frames(torch.zeros(1, 3, 5, 5), [CutOut(torch.ones(4, 3, 3), torch.tensor([[2., 2.]]))])
    >>> scene.owner.sum().item(), scene.frames.sum().item()
    (9, 27.0)
    """
    frames, owner = background, torch.zeros(len(background), *background.shape[-2:], dtype=torch.long)
    sure = torch.ones_like(owner, dtype=torch.bool)
    for number, cutout in enumerate(cutouts, 1):
        canvas = cutout.on(background.shape[-1])
        alpha = canvas[:, 3]
        frames = torch.lerp(frames, canvas[:, :3], alpha[:, None])
        owner = torch.where(alpha > 0.5, number, owner)
        sure = torch.where(alpha > SURE, alpha > 1 - SURE, sure)
    return Scene(frames.clamp(0, 1), owner, sure)


def scene_truth(scene: Scene, background: Tensor, cutouts: list[CutOut]) -> tuple[Tensor, Tensor]:
    """Motion (T-1, 2, Y, X) of whatever a pixel shows, and where it is known (T-1, Y, X) bool.

    background: its own motion, (T-1, 2, Y, X). Known means that the pixel shows one layer only, stays in
    the frame, and shows only the same layer where it lands.
    """
    steps = torch.stack([c.path.diff(dim=0) for c in cutouts]) if cutouts else torch.zeros(0, 1, 2)
    motion = background.clone()
    for number, step in enumerate(steps, 1):
        motion = torch.where((scene.owner[:-1] == number)[:, None], step[:, :, None, None], motion)
    target = pixel_places(*motion.shape[-2:]) + motion.permute(0, 2, 3, 1)
    alone = torch.where(scene.sure, scene.owner, -1)
    lands = torch.stack([sample_images((alone == n)[1:, None].float(), target)[:, 0] > 1 - SURE
                         for n in range(len(cutouts) + 1)])
    same = lands.gather(0, scene.owner[None, :-1])[0]
    return motion, same & scene.sure[:-1] & inside_frame(target, *motion.shape[-2:])


def cut_out(photo: Tensor, *ovals: Oval, height: int, soft: float = 3.0) -> Tensor:
    """Cut the union of ovals from a photograph (1, 3, Ypx, Xpx) and scale it: rgba (4, height, w).

    soft: width of its edge in pixels of the result.

    >>> cut_out(torch.ones(1, 3, 50, 50), Oval(25, 25, 10, 20), height=20).shape
    torch.Size([4, 20, 40])
    """
    top, bottom = min(o.down - o.high for o in ovals), max(o.down + o.high for o in ovals)
    left, right = min(o.across - o.wide for o in ovals), max(o.across + o.wide for o in ovals)
    unit = (bottom - top) / height
    width = round((right - left) / unit)
    where = (pixel_places(height, width) + 0.5) * unit + torch.tensor([top, left], dtype=torch.float32) - 0.5
    shrunk = F.interpolate(photo, scale_factor=min(1.0, 1 / unit), mode="bilinear", antialias=True, align_corners=False)
    factor = torch.tensor(shrunk.shape[-2:]) / torch.tensor(photo.shape[-2:])
    rgb = sample_images(shrunk, ((where + 0.5) * factor - 0.5)[None], mode="bicubic")[0].clamp(0, 1)
    depth = torch.stack([_oval_depth(where, oval) for oval in ovals]).amax(0) / unit  # pixels from the edge inwards
    return torch.cat([rgb, smooth_step(depth / soft)[None]])


def _oval_depth(where: Tensor, oval: Oval) -> Tensor:
    """Approximately how many pixels a place lies inside the oval; negative outside."""
    middle, radii = (torch.tensor(part, dtype=torch.float32) for part in (oval[:2], oval[2:]))
    off = (where - middle) / radii
    distance = off.norm(dim=-1)
    slope = (off / radii).norm(dim=-1) / distance.clamp_min(1e-6)  # how fast `distance` grows per pixel
    return (1 - distance) / slope.clamp_min(1e-6)


def smooth_step(x: Tensor) -> Tensor:
    """0 below 0, 1 above 1, and a smooth step between.

    >>> smooth_step(torch.tensor([-1., .5, 2.])).tolist()
    [0.0, 0.5, 1.0]
    """
    x = x.clamp(0, 1)
    return x * x * (3 - 2 * x)
