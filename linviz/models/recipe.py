"""A recipe: everything that decides what a training run comes to, but for its seed.

Two runs of one recipe and one seed are the same run, so a checkpoint carries its recipe and the recipe's hash;
what is trained again is what has changed.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..mechanisms import parse
from .video_transformer import Shape

FORM = 1  # raised when the code changes what a recipe comes to, so that old checkpoints are known to be old
BUDGETS = {"short": 800, "long": 2400}  # steps
FLOORS = (0.0, 0.0625, 0.125, 0.1875, 0.25)  # of relu_floor, from none to 1/sqrt(16): the dose


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what, and how. Nothing here was tuned for one arm: all arms have the same.

    spec, options: the attention. task, setting: what is asked ("motion" or "front", and how hard).
    steps of `batch` clips out of a pool of `pool` clips made from `pool_seed`; AdamW with its rate rising over the
    first `warm` of the steps and falling as a cosine to zero, weight decay on matrices only, gradients clipped to a
    norm of `clip`, labels smoothed. tests: held-out clips, made from `test_seed`.

    >>> Recipe("relu_floor+gate").digest() == Recipe("relu_floor+gate:qkv").digest()
    True
    """

    spec: str = "softmax"
    options: dict[str, Any] = field(default_factory=dict)
    task: str = "motion"
    setting: str = "main"
    shape: Shape = field(default_factory=Shape)
    steps: int = BUDGETS["short"]
    batch: int = 32
    rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.98)
    decay: float = 0.05
    warm: float = 0.1
    clip: float = 1.0
    smoothing: float = 0.05
    pool: int = 24_000
    pool_seed: int = 0
    tests: int = 1024
    test_seed: int = 1
    start: str = ""  # digest of the recipe whose trained model this one starts from, where it does

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", str(parse(self.spec)))
        for name in ("steps", "batch", "pool", "tests"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is a whole number from 1 up; got {getattr(self, name)}")

    def told(self) -> dict[str, Any]:
        """The recipe as plain numbers and words, for a file."""
        return {"form": FORM} | json.loads(json.dumps(asdict(self)))

    @classmethod
    def read(cls, told: dict[str, Any]) -> Recipe:
        """The recipe that `told` tells of.

        >>> Recipe.read(Recipe("relu").told()) == Recipe("relu")
        True
        """
        fields = {name: value for name, value in told.items() if name != "form"}
        shape = Shape(**fields.pop("shape") | {"tubelet": tuple(told["shape"]["tubelet"])})
        return cls(**fields | {"shape": shape, "betas": tuple(told["betas"])})

    def digest(self) -> str:
        """A short hash of everything in it: another recipe, another digest."""
        return hashlib.sha256(json.dumps(self.told(), sort_keys=True).encode()).hexdigest()[:16]


def wide(recipe: Recipe, parameters: int) -> Recipe:
    """The same recipe with its MLPs widened until the model has about `parameters`: the control for a gate's own.

    A hidden channel costs 2 C + 1 numbers in every block.
    """
    shape, more = recipe.shape, recipe.shape.blocks * (2 * recipe.shape.channels + 1)
    hidden = round(shape.wider * shape.channels) + round(parameters / more)
    return replace(recipe, shape=replace(shape, wider=hidden / shape.channels))
