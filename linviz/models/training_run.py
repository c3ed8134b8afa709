"""A training run: the model, its optimiser, and the curve as far as it has come."""
from __future__ import annotations

from dataclasses import dataclass, field

import torch

from .recipe import Recipe
from .video_transformer import VideoTransformer

Curve = list[dict[str, float]]


@dataclass
class Run:
    """A training run after `step` steps. curve: a row every `training.EVERY` steps.

    seconds: of the processor's time spent on it, kept through stops; with one thread, what a core that is free takes.
    """

    recipe: Recipe
    seed: int
    model: VideoTransformer
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    curve: Curve = field(default_factory=list)
