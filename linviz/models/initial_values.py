"""The values with which the training of a model begins.

In the plain beginning queries and keys know nothing of each other, and near positions have no more in common than far
ones. Where a token has to find others like it, short runs then learn nothing for hundreds of steps. The beginning
"alike" is the same for every attention: like tokens, and near ones, see each other from the start.
"""
from __future__ import annotations

import math

import torch
from torch import Tensor

from .colour_model import ColourModel
from .examples import OWN_COLOUR
from .layer import AttentionLayer
from .recipe import Recipe
from .video_transformer import VideoTransformer

STRONGER, PLACE, TIME = 1.5, 0.7, 0.4   # factors: of W_q, of the waves of position, of the codes of time


def recipe_model(recipe: Recipe, classes: int, seed: int) -> VideoTransformer:
    """An untrained model as a recipe begins with it. classes: of the answers; a model that paints needs none.

    >>> recipe_model(Recipe("relu"), 8, seed=0).head.out_features
    8
    """
    if recipe.task in ("colour", OWN_COLOUR):
        model: VideoTransformer = ColourModel(recipe.spec, recipe.shape, seed, **recipe.options)
    else:
        model = VideoTransformer(recipe.spec, classes, recipe.shape, seed, **recipe.options)
    if recipe.init == "alike":
        begin_alike(model)
    return model


@torch.no_grad()
def begin_alike(model: VideoTransformer) -> None:
    """Let like tokens see each other: in every layer W_q grows by half and W_k becomes W_q; positions become waves.

    >>> model = VideoTransformer("relu")
    >>> begin_alike(model)
    >>> layer = model.blocks[0].attention.layers[0]
    >>> torch.equal(layer.to_q.weight, layer.to_k.weight)
    True
    """
    model.place.copy_(PLACE * position_waves(model.grid.Y, model.grid.X, model.shape.channels))
    model.time.mul_(TIME)
    for layer in model.modules():
        if isinstance(layer, AttentionLayer) and layer.to_k.weight.shape == layer.to_q.weight.shape:
            layer.to_q.weight.mul_(STRONGER)
            layer.to_k.load_state_dict(layer.to_q.state_dict())


def position_waves(rows: int, columns: int, channels: int) -> Tensor:
    """Sines and cosines of the row in half of the channels, and of the column in the others: (rows * columns, C).

    Frequencies from pi / 2 to pi N / 3 radians per side of N, in equal ratios. ValueError unless 4 divides C.

    >>> position_waves(3, 4, 8).shape
    torch.Size([12, 8])
    """
    if channels % 4:
        raise ValueError(f"waves of position need a multiple of 4 channels; got {channels}")
    down, across = (line_waves(n, channels // 4) for n in (rows, columns))
    both = down[:, None].expand(-1, columns, -1), across[None].expand(rows, -1, -1)
    return torch.cat(both, -1).flatten(0, 1)


def line_waves(n: int, count: int) -> Tensor:
    """`count` sines and as many cosines at n places along a side: (n, 2 count)."""
    frequency = math.pi * 2.0 ** torch.linspace(-1, math.log2(max(n, 2) / 3), count)
    phase = ((torch.arange(n) + 0.5) / n)[:, None] * frequency
    return torch.cat([phase.sin(), phase.cos()], 1)
