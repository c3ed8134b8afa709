"""A slow pan and zoom over a photograph: the one motion that is known exactly for every pixel."""
from typing import NamedTuple

import torch
from torch import Tensor

from .clip import Clip
from .photographs import photograph
from .warp import inside_frame, moving_window, pixel_places, window_motion

SIDE = 448  # 28 x 28 patches of 16 pixels


class Way(NamedTuple):
    """First and last window (centre down, centre across, side) and the subject, in the photograph's pixels."""

    first: tuple[float, float, float]
    last: tuple[float, float, float]
    subject: tuple[float, float]


WAYS = {
    "coffee": Way((222, 330, 340), (130, 262, 200), (180, 300)),
    "astronaut": Way((256, 256, 500), (150, 236, 260), (120, 227)),
    "chelsea": Way((150, 190, 290), (140, 250, 200), (116, 172)),
    "rocket": Way((240, 250, 330), (200, 322, 220), (213, 322)),
    "hubble": Way((430, 380, 760), (400, 640, 420), (474, 726)),
}


def pan(seed: int = 0, frames: int = 8) -> Clip:
    """A window of 448 x 448 that moves and zooms over a photograph, with exact motion.

    Seed 0 to 4: coffee, astronaut, chelsea, rocket, hubble, zooming in; other seeds start elsewhere or zoom out.

    >>> pan(frames=2).motion.shape
    torch.Size([1, 2, 448, 448])
    """
    name = list(WAYS)[seed % len(WAYS)]
    photo = photograph(name)
    centre, span = _zoom_path(WAYS[name], seed, frames)
    motion = window_motion(centre, span, SIDE)
    known = inside_frame(pixel_places(SIDE, SIDE) + motion.permute(0, 2, 3, 1), SIDE, SIDE)
    subject = (torch.tensor(WAYS[name].subject) - centre[0]) / span[0] + 0.5
    zoom = (span[0] / span[-1]).item()
    return Clip(
        "pan", f"Slow pan and zoom: {photo.title}", moving_window(photo.frames, centre, span, SIDE),
        author=photo.author, licence=photo.licence, source=photo.source,
        recipe=f"A square window moves steadily over the photograph {name} and zooms by a factor of {zoom:.2f}; "
               "the motion follows from the window and is exact.",
        alt=f"The camera moves slowly {'into' if zoom > 1 else 'out of'} a still photograph. {photo.alt}",
        motion=motion, known=known, query=(0, *subject.clamp(0, 1).tolist()))


def _zoom_path(way: Way, seed: int, frames: int) -> tuple[Tensor, Tensor]:
    """Centre (T, 2) and side (T,) of the window: a steady zoom about one fixed point."""
    ends = torch.tensor([way.first, way.last], dtype=torch.float32)
    if seed >= len(WAYS):
        draw = torch.rand(2, generator=torch.Generator().manual_seed(seed))
        ends[0] += 0.4 * draw[0] * (ends[1] - ends[0])  # start farther along the path
        ends = ends.flip(0) if draw[1] > 0.5 else ends
    (first, last), share = ends[:, 2], torch.linspace(0, 1, frames)
    span = first * (last / first) ** share
    done = ((span - first) / (last - first))[:, None]  # the centre moves in step with the zoom
    return torch.lerp(ends[:1, :2], ends[1:, :2], done), span
