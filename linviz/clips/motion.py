"""Which way does the digit move? The task on which small video transformers are trained.

A real handwritten digit in white ink crosses a window that slides over a photograph. A disc cut from another
photograph, in bright real texture, moves on its own path and may hide the digit. The answer is one of eight headings;
a random guess is right once in eight. No single frame gives the answer, but the first frame gives a hint: the digit
stays in the frame, so it does not begin at the edge that it moves to. A guess from the first position alone is right
in a third of the clips.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .digit import HEADINGS
from .drawing import Layers, render_clips, soft_disc
from .photographs import known_name
from .sources import split_number
from .task import Task, as_frames, random_draws
from .task_scenes import DIGIT, SIDE, Stage, as_whole_numbers, scale_numbers

MOST = 4             # discs for which random numbers are drawn
OWN, EACH = 13, 7    # random numbers for a scene without discs, and for each disc
OPACITY = (0.8, 1.0)
HIDES = 0.1          # a digit counts as behind if at least this fraction of its ink is hidden at some time


@dataclass(frozen=True)
class Setting:
    """How hard the task is. Lengths and speeds are in pixels of a frame of 36; `says` describes it in one sentence.

    discs: how many distractors; drift: the background's highest speed, pixels per frame down or across; dimmed: the
    background's brightness, least and most; speed: pixels per frame, least and most; side, frames: the size of a clip.
    """

    says: str
    discs: int = 1
    drift: float = 0.5
    dimmed: tuple[float, float] = (0.4, 0.8)
    speed: tuple[float, float] = (1.5, 2.5)
    side: int = SIDE
    frames: int = 8


SETTINGS = {
    "main": Setting("A white digit crosses a dimmed, slowly sliding photograph and one moving disc."),
    "easy": Setting("The same digit and photograph as in main, but the photograph does not move and there is no disc.",
                    discs=0, drift=0.0),
    "hard": Setting("Slower digits, three moving discs, and a background that slides twice as fast and is not dimmed.",
                    discs=3, drift=1.0, dimmed=(1.0, 1.0), speed=(1.2, 2.0)),
    "fine": Setting("The scenes of main, drawn with 96 x 96 pixels instead of 36 x 36.", side=96)}


def motion_task(n: int, seed: int, split: str = "train", setting: str = "main", *, side: int | None = None,
                frames: int | None = None, first: int = 0, opened: bool = False) -> Task:
    """n clips of a moving digit; the label is its heading, in `classes`. A random guess is right once in eight.

    side and frames draw the same scenes with more or fewer pixels and frames: a digit goes as far in 16 frames as in 8.
    first: number of the first clip, so that a long task can be drawn a batch at a time. The split "sealed" needs
    opened=True. Raises ValueError for an unknown split or setting and for numbers out of range.

    truth, n values each: direction (0..7, as the label), speed (pixels per frame), path (n, T, 2, the digit's centre,
    pixels down and across), digit (class), sample (its number in load_digits), behind (bool, a disc hides a tenth of
    its ink or more at some time), hidden (n, T, the fraction hidden by discs), photograph, cut (n, discs): numbers in
    `sources.SOURCES` of the background and the discs, drift (n, 2, the background's motion, pixels per frame).

    >>> task = motion_task(4, seed=0)
    >>> task.frames.shape, task.classes[task.labels[0]]
    (torch.Size([4, 8, 3, 36, 36]), 'down and left')
    """
    number, how = split_number(split, opened), SETTINGS[known_name(setting, SETTINGS, "setting")]
    stage = Stage(split, how.side if side is None else side, how.frames if frames is None else frames)
    u = random_draws("motion", seed, number, first, n, OWN + EACH * MOST)
    backdrop, truth = stage.backdrop(u[:, 7:13], how.drift, how.dimmed)
    layers, more = _motion_layers(u, stage, how, backdrop.which)
    grey, mask, hidden = render_clips(backdrop, layers, stage.side)
    truth |= more | {"hidden": hidden, "behind": hidden.amax(1) >= HIDES}
    return Task(as_frames(grey), truth["direction"].clone(), mask, truth, HEADINGS,
                "Which way does the digit move?", "A handwritten {digit} moves {label}")


def _motion_layers(u: Tensor, stage: Stage, how: Setting, behind: Tensor) -> tuple[Layers, dict[str, Tensor]]:
    """The digit and its discs, back to front, and their ground truth."""
    heading, speed, corner = stage.way(u[:, :4], DIGIT, how.speed)
    cover, truth = stage.ink(u[:, 4])
    lights, corners, cuts = roaming_discs(u[:, OWN:], stage, how, behind)
    truth |= {"direction": heading, "speed": speed, "path": stage.middle(corner, DIGIT), "cut": cuts}
    opacity, target = torch.ones(len(u), 1 + how.discs), torch.zeros(len(u), 1 + how.discs)
    opacity[:, 0], target[:, 0] = scale_numbers(u[:, 5], *OPACITY), 1
    covers = torch.cat([cover[:, None], soft_disc(cover.shape[-1]).expand_as(lights)], 1)
    lights, corners = torch.cat([torch.ones_like(cover)[:, None], lights], 1), torch.cat([corner[:, None], corners], 1)
    layers = Layers(covers, lights, opacity, corners, target)
    return layers.sorted(_layer_order(as_whole_numbers(u[:, 6], how.discs + 1), how.discs)), truth


def roaming_discs(u: Tensor, stage: Stage, how: Setting, besides: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Discs on random paths by u (n, 7 each): luma (n, discs, a, a), corner (n, discs, T, 2), numbers in SOURCES.

    >>> stage = Stage("train", 36, 8)
    >>> [part.shape[1] for part in roaming_discs(torch.zeros(2, 21), stage, SETTINGS["hard"], torch.zeros(2).long())]
    [3, 3, 3]
    """
    a, n = stage.piece(DIGIT), len(u)
    lights, corners = torch.zeros(n, how.discs, a, a), torch.zeros(n, how.discs, stage.frames, 2, dtype=torch.float64)
    cuts = torch.zeros(n, how.discs, dtype=torch.long)
    for number, own in enumerate(u.split(EACH, 1)[:how.discs]):
        corners[:, number] = stage.way(own[:, :4], DIGIT, how.speed)[2]
        lights[:, number], cuts[:, number] = stage.cut(own[:, 4:], besides)
    return lights, corners, cuts


def _layer_order(layer: Tensor, discs: int) -> Tensor:
    """The order of (digit, disc 1, disc 2...), back to front, in which the digit is layer number `layer` (n,)."""
    place = torch.arange(discs + 1).expand(len(layer), -1)
    return torch.where(place == layer[:, None], 0, place + (place < layer[:, None]))
