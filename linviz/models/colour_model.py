"""A transformer that paints: it answers every patch with the colour that is hidden there.

The model is `VideoTransformer` with two differences. A token that is a hint gets one more learned code, and every token
has its own answer, 2 x 2 cells of two colour differences, instead of one answer for the clip.
"""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ..shapes import Float
from .recipe import COLOUR_SHAPE
from .video_transformer import CODES, Shape, VideoTransformer

ANSWERS = 8  # numbers per patch


class HintCode(nn.Module):
    """The code of a hint: (..., N) of 0 and 1 -> (..., N, C)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.code = nn.Parameter(torch.empty(channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the code."""
        nn.init.normal_(self.code, std=CODES)

    def forward(self, on: Tensor) -> Tensor:
        return on[..., None] * self.code


class ColourModel(VideoTransformer):
    """Frames (B, 1, 4, Ypx, Xpx), as `ColourTask.frames` makes them, to answers (B, N, 8), through any attention.

    spec, seed and options are those of `VideoTransformer`.

    >>> from linviz.clips import colour_task
    >>> task = colour_task(2, seed=0, side=32)
    >>> ColourModel("relu", Shape(frames=1, side=32, tubelet=(1, 8, 8), colours=3))(task.frames).shape
    torch.Size([2, 16, 8])
    """

    def __init__(self, spec: str = "softmax", shape: Shape | None = None, seed: int = 0, **options: Any) -> None:
        super().__init__(spec, ANSWERS, shape or COLOUR_SHAPE, seed, **options)
        self.seed, self.options = seed, options
        with torch.random.fork_rng(devices=[]):
            self.hint = HintCode(self.shape.channels)
        self.draw(seed)

    def forward(self, frames: Float[Tensor, "B 1 4 Ypx Xpx"]) -> Float[Tensor, "B N 8"]:
        """An answer for every patch."""
        return self.answer(self.blocks_of(self.tokens(frames)))

    def tokens(self, frames: Tensor) -> Tensor:
        """Patches with the codes of their position, and of a hint where there is one, (B, N, C)."""
        if frames.ndim != 5 or frames.shape[2] != 4:
            raise ValueError(f"this model takes a grey picture, two colour differences and the hints, (B, 1, 4, "
                             f"{self.shape.side}, {self.shape.side}); got {tuple(frames.shape)}: clips.colour_task and "
                             "clips.hinted_picture make them")
        _, down, across = self.shape.tubelet
        return super().tokens(frames[:, :, :3]) + self.hint(frames[:, 0, 3, ::down, ::across].flatten(1))

    def answer(self, x: Tensor) -> Tensor:
        """Tokens to answers, token by token."""
        answers: Tensor = self.head(self.norm(x))
        return answers
