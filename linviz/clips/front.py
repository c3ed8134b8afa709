"""Which of two crossing discs is in front? The second task on which small video transformers are trained.

Two discs, each cut from a photograph with a handwritten digit on it, come from left and right and cross before a
third photograph; one passes in front of the other, and a third disc, without a digit, roams and may hide either.
The answer is the side that the disc in front came from; a random guess is right half of the time. A frame in which
the discs overlap shows which is in front. Only the order of the frames shows whether that disc has still to cross or
has crossed, and so which side it came from: played backwards, the clip has the other answer. Which disc is bright,
which digit is on it and where the discs meet are independent of the answer.
"""
from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .drawing import Layers, render_clips, soft_disc
from .motion import EACH, MOST, Setting, roaming_discs
from .photographs import known_name
from .sources import split_number
from .task import Task, as_frames, random_draws
from .task_scenes import DIGIT, SIDE, Stage, as_whole_numbers, scale_numbers

COIN, ON_COIN = DIGIT, 8    # diameter of a disc and side of the digit on it, in pixels of a frame of 36
OWN = 24                    # random numbers for a scene without distractors
FAR = (16.0, 18.0)          # how far each disc goes, least and most; the discs begin and end side by side
MEET = (1 / 3, 2 / 3)       # when the discs meet, as a fraction of the clip
SLOPE = 0.7                 # steepest path, down over across: 35 degrees
TURN = 0.2                  # by how much the slopes of the two paths may differ
DARK, BRIGHT = (0.1, 0.25), (0.45, 0.6)
OPPOSITE = ("from the left", "from the right")
FRONT_SETTINGS = {
    "main": Setting("Two discs cross before a dimmed, slowly sliding photograph; a third, without a digit, roams."),
    "easy": Setting("The scenes of main, but the photograph does not move and there is no third disc.", discs=0,
                    drift=0.0),
    "hard": Setting("Three more discs roam, and the photograph slides twice as fast and is not dimmed.", discs=3,
                    drift=1.0, dimmed=(1.0, 1.0)),
    "fine": Setting("The scenes of main, drawn with 96 x 96 pixels instead of 36 x 36.", side=96)}


def front_task(n: int, seed: int, split: str = "train", setting: str = "main", *, side: int | None = None,
               frames: int | None = None, first: int = 0, opened: bool = False) -> Task:
    """n clips of two discs that cross; the label is where the disc in front came from. A guess is right half the time.

    setting: one of FRONT_SETTINGS; side, frames, first, opened and errors: as in `motion_task`. The mask is the
    visible part of the disc behind.

    truth, n values each: direction (as the label), path and other (n, T, 2, the centres of the disc behind and
    of the disc in front, pixels down and across), hidden (n, T, hidden fraction of the disc behind), digit and front
    digit (classes of the two digits), photograph and cut (n, 2 + discs, behind, in front, the others): numbers
    in `sources.SOURCES`, bright (bool, the disc in front is the bright one), drift (n, 2, the background's
    motion, pixels per frame).

    >>> task = front_task(4, seed=0)
    >>> task.frames.shape, task.classes[task.labels[0]]
    (torch.Size([4, 8, 3, 36, 36]), 'from the right')
    """
    number, how = split_number(split, opened), FRONT_SETTINGS[known_name(setting, FRONT_SETTINGS, "setting")]
    stage = Stage(split, how.side if side is None else side, how.frames if frames is None else frames)
    u = random_draws("front", seed, number, first, n, OWN + (EACH + 1) * MOST)
    backdrop, truth = stage.backdrop(u[:, :6], how.drift, how.dimmed)
    label, bright = as_whole_numbers(u[:, 6], 2), as_whole_numbers(u[:, 7], 2)
    left, right = _disc_paths(u[:, 8:14], stage)
    corner = torch.stack([torch.where(label[:, None, None] == 0, a, b) for a, b in ((right, left), (left, right))], 1)
    light, more = _disc_faces(u[:, 14:OWN], stage, backdrop.which, bright)
    lights, corners, cuts = roaming_discs(u[:, OWN + MOST:], stage, how, backdrop.which)
    layers = _front_layers(u[:, OWN:], (light, lights), (corner, corners))
    grey, mask, hidden = render_clips(backdrop, layers, stage.side)
    path, other = stage.middle(corner, COIN).unbind(1)
    truth |= more | {"direction": label, "path": path, "other": other, "hidden": hidden, "bright": bright.bool(),
                     "cut": torch.cat([more["cut"], cuts], 1)}
    return Task(as_frames(grey), label.clone(), mask, truth, OPPOSITE,
                "Which of two discs passes in front?", "The disc {label} passes in front of one with a {digit} on it")


def _front_layers(u: Tensor, lights: tuple[Tensor, Tensor], corners: tuple[Tensor, Tensor]) -> Layers:
    """The disc behind, the disc in front, and the others behind, between or before the two, by u (n, others)."""
    light, corner = torch.cat(lights, 1), torch.cat(corners, 1)
    height = torch.ones(light.shape[:2])
    height[:, 1] = 2
    height[:, 2:] = as_whole_numbers(u[:, :light.shape[1] - 2], 3) + 0.5
    target = torch.zeros_like(height)
    target[:, 0] = 1
    layers = Layers(soft_disc(light.shape[-1]).expand_as(light), light, torch.ones_like(height), corner, target)
    return layers.sorted(height.argsort(dim=1, stable=True))


def _disc_paths(u: Tensor, stage: Stage) -> tuple[Tensor, Tensor]:
    """Corners (n, T, 2) of two squares that cross, one from the left and one from the right, by u (n, 6)."""
    slope = scale_numbers(u[:, :1], -SLOPE, SLOPE)
    slopes = (slope, (slope + scale_numbers(u[:, 1:2], -TURN, TURN)).clamp(-SLOPE, SLOPE))
    far, meet = scale_numbers(u[:, 2:3], *FAR), scale_numbers(u[:, 3:4], *MEET)
    spare = (SIDE - COIN) / 2 - FAR[1] * MEET[1]  # the space in the frame that the longest path leaves free
    middle = (SIDE - COIN) / 2 + scale_numbers(u[:, 4:], -spare, spare)
    along = far * (torch.linspace(0, 1, stage.frames, dtype=torch.float64) - meet)  # pixels past the crossing, (n, T)
    ways = []
    for s, sign in zip(slopes, (1, -1)):
        forward = sign * torch.cat([s, torch.ones_like(s)], 1) / (1 + s**2).sqrt()
        ways.append((middle[:, None] + along[..., None] * forward[:, None]) * stage.unit + stage.slack(COIN))
    return ways[0], ways[1]


def _disc_faces(u: Tensor, stage: Stage, behind: Tensor, bright: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Luma (n, 2, a, a) of the disc behind and of the one in front, by u (n, 10), and their ground truth."""
    lights, cuts, digits = [], [], []
    for place, own in enumerate(u.split(5, 1)):
        texture, cut = stage.cut(own[:, :3], behind, COIN)
        ink, truth = stage.ink(own[:, 3], ON_COIN)
        level = torch.where(bright == place, scale_numbers(own[:, 4], *BRIGHT), scale_numbers(own[:, 4], *DARK)).float()
        face = (texture - texture.mean((1, 2), keepdim=True) + level[:, None, None]).clamp(0, 1)
        lights.append(torch.lerp(face, torch.ones_like(face), _centre_ink(ink, texture.shape[-1])))
        cuts.append(cut)
        digits.append(truth["digit"])
    return torch.stack(lights, 1), {"cut": torch.stack(cuts, 1), "digit": digits[0], "front digit": digits[1]}


def _centre_ink(ink: Tensor, side: int) -> Tensor:
    """Ink (n, a, a) in the middle of a larger square, (n, side, side)."""
    before, after = (side - ink.shape[-1]) // 2, (side - ink.shape[-1] + 1) // 2
    return F.pad(ink, (before, after, before, after))
