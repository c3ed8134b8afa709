"""A handwritten digit crosses a moving photograph and meets a distractor: which one moves, and in which direction?

The frames are made as for the task "which way does the digit move": real ink, real photographs, and a disc cut
from another photograph that draws the eye and may hide the digit. The mask is the ink that is to be seen.
"""
import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .clip import Clip
from .layers import CutOut, Oval, compose_frames, cut_out, scene_truth, smooth_step
from .photographs import photograph
from .sources import DIGITS_BY, DIGITS_LICENCE
from .warp import moving_window, window_motion

SIDE = 448          # 28 x 28 patches of 16 pixels
DIGIT = 144         # side of the digit in pixels
DISC = 116          # diameter of the distractor
FIRST = 8           # the random draw used for seed 0: a calm picture to begin with
BACKGROUNDS = ("coffee", "astronaut", "hubble", "rocket", "chelsea")
HEADINGS = ("up", "up and right", "right", "down and right", "down", "down and left", "left", "up and left")
DISCS = {"chelsea": Oval(116, 172, 44, 44), "astronaut": Oval(392, 176, 46, 46),
         "coffee": Oval(221, 278, 150, 150), "hubble": Oval(290, 125, 40, 40)}  # where the distractor is cut from


def digit(seed: int = 0, frames: int = 8) -> Clip:
    """A handwritten digit moving past a disc over a moving photograph, 448 x 448, with mask and motion.

    The digit, its heading, the photographs and which object passes in front are drawn from the seed.

    >>> clip = digit(frames=2)
    >>> clip.mask.shape, clip.motion.shape
    (torch.Size([2, 448, 448]), torch.Size([1, 2, 448, 448]))
    """
    draw = Generator().manual_seed(FIRST + seed)
    back, disc = _pick_photographs(draw)
    centre, span = _background_path(back.frames, frames, draw)
    ink, label = _random_ink(draw)
    heading, path, other = _meeting_paths(frames, draw)
    layers = [CutOut(ink, path), CutOut(cut_out(disc.frames, DISCS[disc.name], height=DISC), other)]
    hidden = bool(torch.rand((), generator=draw) < 0.5)
    order = layers if hidden else layers[::-1]  # the last one passes in front
    dimmed = moving_window(back.frames, centre, span, SIDE) * (0.5 + 0.25 * torch.rand((), generator=draw))
    scene = compose_frames(dimmed, order)
    passes = f"passes {'behind' if hidden else 'in front of'}"
    motion, known = scene_truth(scene, window_motion(centre, span, SIDE), order)
    mask = scene.owner == order.index(layers[0]) + 1
    return Clip(
        "digit", f"A handwritten {label} on its way", scene.frames,
        author=f"digits: {DIGITS_BY}; photographs: {back.author}; {disc.author}",
        licence=f"digits: {DIGITS_LICENCE}; photographs: {back.licence}; {disc.licence}",
        source=f"scikit-learn, load_digits(); {back.source}; {disc.source}",
        recipe=f"A handwritten {label} in white ink moves straight {HEADINGS[heading]} over a sliding, dimmed window "
               f"of the photograph {back.name} and {passes} a disc cut from {disc.name}; the mask is its visible ink.",
        alt=f"A white handwritten {label} moves {HEADINGS[heading]} over a darkened, slowly sliding photograph "
            f"({back.title}) and {passes} a round piece of another ({disc.title}).",
        mask=mask, motion=motion, known=known, query=(0, *_relative_centre(mask[0])))


def _pick_photographs(draw: Generator) -> tuple[Clip, Clip]:
    back = BACKGROUNDS[int(torch.randint(len(BACKGROUNDS), (), generator=draw))]
    others = [name for name in DISCS if name != back]
    return photograph(back), photograph(others[int(torch.randint(len(others), (), generator=draw))])


def _background_path(photo: Tensor, frames: int, draw: Generator) -> tuple[Tensor, Tensor]:
    """Centre (T, 2) and side (T,) of a window that slides over the photograph and never leaves it."""
    size = torch.tensor(photo.shape[-2:]).float()
    span = 0.7 * size.min()
    slide = (torch.rand(2, generator=draw) - 0.5) * 0.2 * span  # by at most a tenth of the window to each side
    room = (size - span - slide.abs()) / 2
    middle = (size - 1) / 2 + (2 * torch.rand(2, generator=draw) - 1) * room
    return middle + torch.linspace(-0.5, 0.5, frames)[:, None] * slide, span.expand(frames)


def _random_ink(draw: Generator) -> tuple[Tensor, int]:
    """One of scikit-learn's 8 x 8 digits as white ink, (4, DIGIT, DIGIT), and its class."""
    from sklearn.datasets import load_digits  # here and not above: it takes a second to import
    data = load_digits()
    at = int(torch.randint(len(data.images), (), generator=draw))
    small = torch.from_numpy(data.images[at]).float()[None, None] / 16
    large = F.interpolate(F.pad(small, (1, 1, 1, 1)), size=(DIGIT, DIGIT), mode="bicubic", align_corners=False)[0]
    paper = torch.tensor([1.0, 0.99, 0.95]).reshape(3, 1, 1).expand(3, DIGIT, DIGIT)
    return torch.cat([paper, smooth_step((large - 0.34) / 0.12)]), int(data.target[at])


def _meeting_paths(frames: int, draw: Generator) -> tuple[int, Tensor, Tensor]:
    """Heading (0..7), the digit's path and the disc's, each (T, 2). They meet half-way, slightly offset."""
    heading = int(torch.randint(8, (), generator=draw))
    forward = _unit_direction(heading * math.pi / 4)
    length = SIDE * (0.35 + 0.15 * torch.rand((), generator=draw))  # 22 to 32 pixels a frame in eight frames
    share = torch.linspace(-0.5, 0.5, frames)[:, None]
    middle = SIDE / 2 + (torch.rand(2, generator=draw) - 0.5) * 0.1 * SIDE
    turn = (0.35 + 0.5 * torch.rand((), generator=draw)) * math.pi
    away = _unit_direction(heading * math.pi / 4 + float(turn))
    aside = 0.45 * DISC * _unit_direction(heading * math.pi / 4 + math.pi / 2)
    return heading, middle + share * length * forward, middle + aside + share * 0.8 * length * away


def _unit_direction(angle: float) -> Tensor:
    return torch.tensor([-math.cos(angle), math.sin(angle)])  # down, across; angle 0 is up, clockwise


def _relative_centre(mask: Tensor) -> tuple[float, float]:
    """The mask's pixel nearest to its centre, as fractions of height and width."""
    on = mask.nonzero().float()
    nearest = on[(on - on.mean(0)).square().sum(1).argmin()] + 0.5
    down, across = (nearest / torch.tensor(mask.shape)).tolist()
    return down, across
