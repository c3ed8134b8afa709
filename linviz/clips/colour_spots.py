"""Spots of colour that a person paints onto a grey picture, patch by patch: a short text, and a task for a model.

    0a1f            two patches, numbers 10 and 51 in base 36, in the photograph's own colours
    0a1f_ff88002b   and patch 83 in the colour #ff8800
    _               a picture that was cleared: no spot

The text stands in the URL of a page and in a file; the empty text means that nobody has painted.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from .clip import Clip
from .colour_paint import join_colour, split_colour
from .colour_task import ColourTask, hinted_picture
from .colour_windows import COLOUR_PATCH, central_square

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
WRITTEN = re.compile(r"(?:[0-9a-z]{2})*(?:_[0-9a-f]{6}(?:[0-9a-z]{2})+)*|_")
LEAST_COLOUR = 0.004    # spread of the two differences: a picture with less is grey
Spots = Mapping[int, str]  # patch number -> "" for the photograph's own colour, or six hexadecimal digits


def read_spots(text: str, patches: int = 784) -> dict[int, str]:
    """The spots of a text: patch number -> its colour, "" for the photograph's own.

    ValueError, in one sentence, for any other text.

    >>> read_spots("0a1f_ff88002b")
    {10: '', 51: '', 83: 'ff8800'}
    """
    if not WRITTEN.fullmatch(text):
        raise ValueError("spots are patch numbers in two digits of base 36, as 0a1f, and after _ those of a colour, as "
                         f"_ff88002b; got {text!r:.80}")
    own, *groups = text.split("_")
    parts = [("", own)] + [(group[:6], group[6:]) for group in groups if group]
    found = {int(numbers[n:n + 2], 36): colour for colour, numbers in parts for n in range(0, len(numbers), 2)}
    if beyond := [n for n in found if n >= patches]:
        raise ValueError(f"a spot lies on one of {patches} patches, which are counted from 0; got patch {beyond[0]}")
    return found


def write_spots(spots: Spots) -> str:
    """The text of spots, patches in order, their own colours first.

    >>> write_spots({83: "ff8800", 51: "", 10: ""}), write_spots({})
    ('0a1f_ff88002b', '_')
    """
    groups: dict[str, str] = {"": ""}
    for n, colour in sorted(spots.items(), key=lambda one: (one[1], one[0])):
        groups[colour] = groups.get(colour, "") + DIGITS[n // 36] + DIGITS[n % 36]
    return "_".join([groups.pop(""), *(colour + numbers for colour, numbers in groups.items())]) or "_"


def spotted_task(picture: Clip | Tensor, spots: Spots, tokens: int = 28) -> ColourTask:
    """The task of painting a picture from spots; `picture` and `tokens` as in `hinted_picture`.

    A spot in a chosen colour has that colour on the photograph's own grey values.

    >>> spotted_task(torch.rand(3, 64, 64), {0: "", 5: "ff0000"}, tokens=4).hints.nonzero()[:, 1].tolist()
    [0, 5]
    """
    hints = torch.zeros(tokens * tokens, dtype=torch.bool)
    hints[list(spots)] = True
    task = hinted_picture(picture, hints, tokens=tokens)
    if not (chosen := {n: colour for n, colour in spots.items() if colour}):
        return task
    rgb, on = torch.zeros(3, tokens * tokens), torch.zeros(1, tokens * tokens)
    for n, colour in chosen.items():
        rgb[:, n], on[0, n] = torch.tensor(list(bytes.fromhex(colour))) / 255, 1
    grid = torch.cat([split_colour(rgb.view(3, tokens, tokens))[1], on.view(1, tokens, tokens)])
    pixels = grid.repeat_interleave(COLOUR_PATCH, -2).repeat_interleave(COLOUR_PATCH, -1)
    return replace(task, differences=torch.where(pixels[2:] > 0, pixels[None, :2], task.differences))


def is_grey(task: ColourTask) -> bool:
    """Whether the hidden patches of a task have next to no colour of their own, so that R2 says nothing.

    >>> is_grey(spotted_task(torch.rand(1, 64, 64).expand(3, -1, -1), {0: ""}, tokens=4))
    True
    """
    hidden = task.differences.movedim(1, -1)[task.hint_pixels[:, 0] == 0]
    return not len(hidden) or (hidden - hidden.mean(0)).square().mean().sqrt().item() < LEAST_COLOUR


def sharp_luma(picture: Clip | Tensor, least: int = 224, most: int = 560) -> Tensor:
    """The grey values of a picture's middle square at its own size, from `least` to `most` pixels: (1, side, side).

    >>> sharp_luma(torch.rand(3, 300, 400)).shape
    torch.Size([1, 300, 300])
    """
    image = picture.frames[0] if isinstance(picture, Clip) else picture
    return split_colour(central_square(image, max(least, min(most, *image.shape[1:]))))[0]


def sharp_picture(painted: Tensor, luma: Tensor) -> Tensor:
    """A painted square (3, side, side) with finer grey values of the photograph (1, Ypx, Xpx): (3, Ypx, Xpx).

    A model paints colours only, and the grey values are given: nothing is added to what the model painted.

    >>> sharp_picture(torch.rand(3, 16, 16), torch.rand(1, 40, 40)).shape
    torch.Size([3, 40, 40])
    """
    colour = split_colour(painted)[1][None]
    fine = F.interpolate(colour, size=luma.shape[1:], mode="bilinear", align_corners=False)[0]
    return join_colour(luma, fine)
