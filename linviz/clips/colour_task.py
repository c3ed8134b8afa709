"""Colour hints: a grey picture in which some patches keep their colour; the task is to paint the others.

The third task on which small transformers are trained. What is painted is drawn at random (see `colour_paint`), so no
colour can be known from the picture: it has to be copied from a hint. Colours are given relative to the hints: minus
their mean, divided by their spread. Both are known to whoever sees the hints.

    frames     luma, two relative differences (grey where hidden), and a plane that is 1 in hints
    targets    per patch: 2 x 2 cells of two relative differences, 8 numbers
"""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..shapes import Float
from .clip import Clip
from .colour_paint import PAINTED, as_pixels, join_colour, painted_differences, split_colour
from .colour_windows import (
    COLOUR_PATCH,
    COLOUR_SIDE,
    Windows,
    central_square,
    split_windows,
)
from .photographs import known_name
from .sources import split_number
from .task import random_draws

COLOUR_SETTINGS = {
    "main": "Own colours in another hue, a random curve of the grey value, or both.",
    "half": "As main, but in half of the windows waves over place take the role of the curve.",
    "exchanged": "As main, but the photographs to learn from and the held-out ones are exchanged."}
BY_PLACE = {"half": 0.5}                    # how often waves over place take the role of the curve
SHARES, TEST_SHARE = (0.05, 0.25), 0.15     # of patches that are hints: least and most in training, and in tests
CONTRAST, BRIGHTNESS = 0.25, 0.1            # of a window's luma: the exponent of its factor, and what is added
LEAST_SPREAD = 0.03                         # of the hints: below it, differences are not enlarged further
MOST = 4.0                                  # spreads by which a relative difference may leave the hints' mean
SHOWN = 0.25                                # a relative difference of one spread in `frames`
CELLS = 2                                   # cells of a patch, down and across
NOT_PAINT = 3                               # random numbers for contrast, brightness and the share of hints


@dataclass(frozen=True, eq=False)
class ColourTask:
    """n pictures to be painted, with their true colours.

    luma         (n, 1, Ypx, Xpx) in 0..1, the grey picture as it is shown
    differences  (n, 2, Ypx, Xpx), the true colours, see `colour_paint.split_colour`
    hints        (n, N) bool: patches that keep their colour, in token order
    photographs  (n,) int64, an index of `names`

    >>> task = colour_task(2, seed=0)
    >>> task.frames.shape, task.targets.shape, task.hints.shape
    (torch.Size([2, 1, 4, 112, 112]), torch.Size([2, 196, 8]), torch.Size([2, 196]))
    """

    luma: Tensor
    differences: Tensor
    hints: Tensor
    photographs: Tensor
    names: tuple[str, ...] = field(default=("your own picture",))

    def __len__(self) -> int:
        return len(self.luma)

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean (n, 2) and spread (n,) of the hints' differences; the spread is that of both together."""
        patches = F.avg_pool2d(self.differences, COLOUR_PATCH).flatten(2)
        on, count = self.hints[:, None].float(), self.hints.sum(1).clamp_min(1)
        mean = (patches * on).sum(-1) / count[:, None]
        squares = ((patches - mean[..., None]).square() * on).sum((1, 2)) / (2 * count)
        return mean, squares.sqrt().clamp_min(LEAST_SPREAD)

    @cached_property
    def relative(self) -> Tensor:
        """The true colours in units of the hints' spread, about their mean: (n, 2, Ypx, Xpx)."""
        mean, spread = self.moments
        return ((self.differences - mean[..., None, None]) / as_pixels(spread)).clamp(-MOST, MOST)

    @cached_property
    def hint_pixels(self) -> Tensor:
        """Which pixels lie in a hint: (n, 1, Ypx, Xpx), 0 or 1."""
        rows = self.luma.shape[-2] // COLOUR_PATCH
        plane = self.hints.view(len(self), 1, rows, -1).float()
        return plane.repeat_interleave(COLOUR_PATCH, -2).repeat_interleave(COLOUR_PATCH, -1)

    @property
    def frames(self) -> Float[Tensor, "B 1 4 Ypx Xpx"]:
        """What a model sees."""
        on = self.hint_pixels
        return torch.cat([self.luma, 0.5 + SHOWN * self.relative * on, on], 1)[:, None]

    @property
    def targets(self) -> Float[Tensor, "B N 8"]:
        """What a model should answer for every patch; only hidden patches count."""
        cells = F.avg_pool2d(self.relative, COLOUR_PATCH // CELLS)
        return F.unfold(cells, CELLS, stride=CELLS).mT

    def painted_pictures(self, answers: Tensor) -> Tensor:
        """A model's answers (n, N, 8) as pictures in RGB, (n, 3, Ypx, Xpx): hints in their true colours.

        >>> task = colour_task(1, seed=0)
        >>> task.painted_pictures(task.targets).shape
        torch.Size([1, 3, 112, 112])
        """
        mean, spread = self.moments
        size = tuple(n * CELLS // COLOUR_PATCH for n in self.luma.shape[-2:])
        cells = F.fold(answers.mT, size, CELLS, stride=CELLS)
        smooth = F.interpolate(cells, self.luma.shape[-2:], mode="bilinear", align_corners=False)
        differences = mean[..., None, None] + as_pixels(spread) * smooth
        return join_colour(self.luma, torch.where(self.hint_pixels > 0, self.differences, differences))

    @property
    def true_pictures(self) -> Tensor:
        """The pictures in their true colours, (n, 3, Ypx, Xpx)."""
        return join_colour(self.luma, self.differences)

    @property
    def hinted_pictures(self) -> Tensor:
        """The grey pictures with their hints in colour, (n, 3, Ypx, Xpx): what a model sees, as a person sees it."""
        return join_colour(self.luma, self.differences * self.hint_pixels)


def colour_task(n: int, seed: int, split: str = "train", setting: str = "main", *, share: float | None = None,
                natural: bool = False, side: int = COLOUR_SIDE, first: int = 0, opened: bool = False) -> ColourTask:
    """n windows over the photographs of a split, in turn, with random hints and random colours to be copied.

    share: of the patches that are hints; by default 0.05 to 0.25 in training, and 0.15 in the other splits. natural:
    the photographs' true colours instead of random ones. side: of a window in pixels, a multiple of 8. first, opened:
    as in `motion_task`. Raises ValueError for an unknown split or setting and for numbers out of range.

    >>> task = colour_task(5, seed=0, split="test", setting="half")
    >>> [task.names[i] for i in task.photographs], task.hints.sum(1).tolist()
    (['chelsea', 'flower', 'rocket', 'camera', 'gravel'], [29, 29, 29, 29, 29])
    """
    check_colour_setting(setting)
    if side < 2 * COLOUR_PATCH or side % COLOUR_PATCH:
        raise ValueError(f"a window's side must be a multiple of {COLOUR_PATCH}, at least {2 * COLOUR_PATCH}; "
                         f"got {side}")
    windows = split_windows(n, seed, split, setting == "exchanged", first=first, side=side, opened=opened)
    u = random_draws("paint", seed, split_number(split, opened), first, n, paint_numbers(side))
    share = TEST_SHARE if share is None and split != "train" else share
    return paint_windows(windows, u, setting, share, natural)


def check_colour_setting(setting: str) -> None:
    """ValueError, with a suggestion, for an unknown setting."""
    known_name(setting, COLOUR_SETTINGS, "setting of the colour task")


def paint_numbers(side: int) -> int:
    """How many random numbers a window of this side needs for its paint and its hints.

    >>> paint_numbers(112) - paint_numbers(104)
    27
    """
    return PAINTED + NOT_PAINT + (side // COLOUR_PATCH) ** 2


def paint_windows(windows: Windows, u: Tensor, setting: str = "main", share: float | None = None,
                  natural: bool = False) -> ColourTask:
    """Windows with paint and hints by u (n, paint_numbers(side)); see `colour_task`."""
    luma, own = split_colour(windows.pixels.float() / 255)
    paint, light, order = u.split((PAINTED, NOT_PAINT, u.shape[1] - PAINTED - NOT_PAINT), 1)
    contrast, brightness, part = light.float().unbind(1)
    grey, by_place = windows.grey[windows.photographs], BY_PLACE.get(setting, 0.0)
    differences = own if natural else painted_differences(luma, own, paint, grey, by_place)
    factor = (CONTRAST * (2 * contrast - 1)).exp()
    shown = (luma - 0.5) * as_pixels(factor) + 0.5 + as_pixels(BRIGHTNESS * (2 * brightness - 1))
    shares = SHARES[0] + (SHARES[1] - SHARES[0]) * part if share is None else torch.full_like(part, share)
    return ColourTask(shown.clamp(0, 1), differences, random_hints(order, shares), windows.photographs,
                      windows.names)


def random_hints(u: Tensor, shares: Tensor) -> Tensor:
    """Which patches are hints, (n, N) bool: in each row of u (n, N) those with the smallest numbers.

    >>> random_hints(torch.tensor([[0.3, 0.1, 0.2, 0.9]]), torch.tensor([0.5])).tolist()
    [[False, True, True, False]]
    """
    rank = u.argsort(dim=1, stable=True).argsort(1)
    return rank < (shares[:, None] * u.shape[1]).round()


def hinted_picture(picture: Clip | Tensor, hints: Tensor | None = None, *, colours: Tensor | None = None,
                   share: float = TEST_SHARE, seed: int = 0, tokens: int = 14) -> ColourTask:
    """A picture of one's own with hints by a person, or at random: a task of one picture.

    picture: a clip (its first frame) or RGB (3, Ypx, Xpx) in 0..1; its middle square is taken. tokens: patches down
    and across. hints: (N,) or (tokens, tokens) bool; without them `share` of the patches, by `seed`. colours: the
    colour of every hint, (N, 3) RGB in 0..1, where it is not the picture's own. Raises ValueError for other shapes.

    >>> from linviz import clips
    >>> hinted_picture(clips.photograph("chelsea"), tokens=28, share=0.05).hints.sum().item()
    39
    """
    image = picture.frames[0] if isinstance(picture, Clip) else picture
    if image.ndim != 3 or image.shape[0] != 3 or not 0 < share <= 1 or not 2 <= tokens <= 64:
        raise ValueError("give a picture as (3, Ypx, Xpx), a share of hints above 0 and at most 1, and 2 to 64 tokens; "
                         f"got {tuple(image.shape)}, {share} and {tokens}")
    luma, own = split_colour(central_square(image, tokens * COLOUR_PATCH)[None])
    if hints is None:
        draws = random_draws("paint", seed, 0, 0, 1, tokens * tokens)
        hints = random_hints(draws, torch.tensor([share]))
    if hints.numel() != tokens * tokens or (colours is not None and colours.shape != (tokens * tokens, 3)):
        raise ValueError(f"hints must be {tokens} x {tokens} patches, and colours ({tokens * tokens}, 3); got "
                         f"{tuple(hints.shape)} and {None if colours is None else tuple(colours.shape)}")
    hints = hints.reshape(1, -1).bool()
    task = ColourTask(luma, own, hints, torch.zeros(1, dtype=torch.long))
    if colours is None:
        return task
    chosen = split_colour(colours.mT.reshape(1, 3, tokens, tokens))[1]
    chosen = chosen.repeat_interleave(COLOUR_PATCH, -2).repeat_interleave(COLOUR_PATCH, -1)
    return replace(task, differences=torch.where(task.hint_pixels > 0, chosen, own))


def paint_errors(answers: Tensor, targets: Tensor, hidden: Tensor) -> tuple[float, float]:
    """Squared error of the answers (n, N, 8) in hidden patches (n, N), and that of each picture's true mean colour.

    R2 of any number of pictures is 1 - sum of the first / sum of the second.

    >>> task = colour_task(2, seed=0)
    >>> paint_errors(task.targets, task.targets, ~task.hints)[0]
    0.0
    """
    on = hidden[..., None].float()
    mean = (targets * on).sum(1, keepdim=True) / on.sum(1, keepdim=True).clamp_min(1)
    mean = mean.unflatten(-1, (2, -1)).mean(-1, keepdim=True).expand(-1, -1, -1, CELLS * CELLS).flatten(2)
    error, spread = (((x - targets) * on).double().square().sum().item() for x in (answers, mean))
    return error, spread
