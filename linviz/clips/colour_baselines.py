"""The colour task without any learning: what copying by hand achieves, to be printed beside every trained model.

    nearest     the colour of the nearest hint
    bilateral   the mean of all hints, weighted by exp(-distance / a - c |difference in lightness|)

Both see exactly what a model sees. The two numbers of the second are fitted to windows of the training photographs.
"""
from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from ..shapes import Float
from .colour_task import CELLS, ColourTask, paint_errors
from .colour_windows import COLOUR_PATCH

DISTANCES, LIGHTNESSES = (0.5, 0.8, 1.2, 2.0, 3.0, 5.0), (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # tried for a and c
FAR = 1e6


def nearest_answers(task: ColourTask) -> Float[Tensor, "B N 8"]:
    """Every patch gets the colour of the nearest hint; of two that are as near, that of the first.

    >>> from linviz.clips import colour_task
    >>> nearest_answers(colour_task(2, seed=0)).shape
    torch.Size([2, 196, 8])
    """
    nearest = (token_distances(task) + FAR * ~task.hints[:, None]).argmin(-1)
    return copied_colours(task, F.one_hot(nearest, task.hints.shape[1]).float())


def bilateral_answers(task: ColourTask, distance: float, lightness: float) -> Float[Tensor, "B N 8"]:
    """Every patch gets a mean of all hints. distance: a, in patches; lightness: c, per standard deviation of luma."""
    light = F.avg_pool2d(task.luma, COLOUR_PATCH).flatten(1)
    light = (light - light.mean(1, keepdim=True)) / light.std(1, keepdim=True).clamp_min(1e-3)
    apart = (light[:, :, None] - light[:, None]).abs()
    logits = -token_distances(task) / distance - lightness * apart
    return copied_colours(task, logits.masked_fill(~task.hints[:, None], -FAR).softmax(-1))


def copied_colours(task: ColourTask, weights: Tensor) -> Tensor:
    """Answers (n, N, 8) that mix the mean colours of patches by weights (n, N, N)."""
    means = F.avg_pool2d(task.relative, COLOUR_PATCH).flatten(2).mT
    return (weights @ means).repeat_interleave(CELLS * CELLS, -1)


def token_distances(task: ColourTask) -> Tensor:
    """Distances between the centres of all patches, in patches: (N, N)."""
    rows, columns = (n // COLOUR_PATCH for n in task.luma.shape[-2:])
    places = torch.cartesian_prod(torch.arange(rows).float(), torch.arange(columns).float())
    return torch.cdist(places, places)


def fit_bilateral(task: ColourTask) -> tuple[float, float]:
    """The best of all tried pairs of distance and lightness, by R2 on a task of training photographs."""
    def error(pair: tuple[float, float]) -> float:
        return paint_errors(bilateral_answers(task, *pair), task.targets, ~task.hints)[0]
    return min(product(DISTANCES, LIGHTNESSES), key=error)


def paint_score(answers: Tensor, task: ColourTask) -> float:
    """R2 of answers to a task: 1 if perfect, 0 if no better than each picture's own true mean colour.

    >>> from linviz.clips import colour_task
    >>> task = colour_task(2, seed=0)
    >>> paint_score(task.targets, task)
    1.0
    """
    error, spread = paint_errors(answers, task.targets, ~task.hints)
    return 1 - error / spread if spread else 0.0


def blank_luma(task: ColourTask) -> Tensor:
    """The frames of a task with the grey picture blanked: only hints and their positions remain."""
    frames = task.frames.clone()
    frames[:, :, 0] = 0.5
    return frames


def foreign_luma(task: ColourTask) -> Tensor:
    """The frames of a task, each with the grey picture of the task's next picture."""
    frames = task.frames.clone()
    frames[:, :, 0] = frames[:, :, 0].roll(1, 0)
    return frames
