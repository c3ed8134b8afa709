"""A picture painted by a trained model, and the attention maps of every layer behind it.

A model trained on 14 x 14 patches also paints finer grids, with nothing trained again: its codes of position are
stretched (see `VideoTransformer.take_over`).
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..clips import Clip, ColourTask, hinted_picture
from ..clips.colour_baselines import paint_score
from ..clips.colour_task import TEST_SHARE
from .colour_model import ColourModel
from .trace import Traced


@dataclass(frozen=True, eq=False)
class Painting:
    """What a model painted: picture (3, Ypx, Xpx) RGB, its R2, the task, and q, k, v of every layer, first layer first.

    `layers[n].map` is the attention map of a layer, and `layers[n].ratios` are the fixation ratios of its gate.
    """

    picture: Tensor
    r2: float
    task: ColourTask
    layers: list[Traced]


def paint_picture(model: ColourModel, picture: Clip | Tensor, hints: Tensor | None = None, *,
                  colours: Tensor | None = None, share: float = TEST_SHARE, seed: int = 0,
                  tokens: int = 14) -> Painting:
    """Paint the middle square of a picture from hints by a person or at random; arguments as in `hinted_picture`.

    tokens: patches down and across, also other than those of training.

    >>> from linviz import clips
    >>> painting = paint_picture(ColourModel("relu"), clips.photograph("chelsea"), tokens=28)
    >>> painting.picture.shape, painting.layers[1].map.shape
    (torch.Size([3, 224, 224]), (784, 784))
    """
    task = hinted_picture(picture, hints, colours=colours, share=share, seed=seed, tokens=tokens)
    return paint_task(model, task)


@torch.no_grad()
def paint_task(model: ColourModel, task: ColourTask) -> Painting:
    """Paint a task of one picture, on its own grid."""
    model = stretched_model(model, task.luma.shape[-1])
    answers = model(task.frames)
    return Painting(task.painted_pictures(answers)[0], paint_score(answers, task), task, model.trace(task.frames))


def stretched_model(model: ColourModel, side: int) -> ColourModel:
    """The model for pictures of another side in pixels, its positions stretched; the model itself for its own side."""
    if side == model.shape.side:
        return model
    finer = ColourModel(model.spec, replace(model.shape, side=side), model.seed, **model.options)
    finer.take_over(model)
    return finer.eval().requires_grad_(False)
