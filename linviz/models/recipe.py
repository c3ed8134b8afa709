"""A recipe: everything that determines the result of a training run, except its seed.

Two runs of the same recipe and seed are the same run, so a checkpoint carries its recipe and the recipe's hash.
Only models whose recipe has changed are trained again.
"""
from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .layer_specs import canonical_spec, layer_specs
from .video_transformer import Shape

FORM = 1  # raised when the code changes a recipe's result, so that old checkpoints are recognised
BUDGETS = {"short": 800, "long": 2400}  # steps
FLOORS = (0.0, 0.0625, 0.125, 0.1875, 0.25)  # of relu_floor, from none to 1/sqrt(16): the dose
RATES = (8e-4, 2e-3, 5e-3)  # learning rates that are compared; all other sets use the middle one
INITS = ("plain", "alike")  # see initial_values.begin_alike


@dataclass(frozen=True)
class Recipe:
    """What is trained, on which examples, and how. No value was tuned for one arm: all arms use the same.

    spec, options: the attention, of all layers or of each (a/b/c). task, setting: the task ("motion", "front" or
    "colour") and its difficulty.
    steps of `batch` clips from a pool of `pool` clips drawn from `pool_seed`; AdamW with its rate rising over the
    first `warm` of the steps and falling as a cosine to zero, weight decay on matrices only, gradients clipped to a
    norm of `clip`, labels smoothed. tests: how many held-out clips are drawn from `test_seed`. init: how the model
    begins, one of INITS.

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
    start: str = ""  # digest of the recipe whose trained model this run starts from, if any
    init: str = INITS[0]

    def __post_init__(self) -> None:
        layer_specs(self.spec, self.shape.layers)  # refuses a hybrid of another number of layers
        object.__setattr__(self, "spec", canonical_spec(self.spec))
        for name in ("steps", "batch", "pool", "tests"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be a whole number from 1 up; got {getattr(self, name)}")
        if self.init not in INITS:
            raise ValueError(f"init must be one of {', '.join(INITS)}; got {self.init!r}")

    def told(self) -> dict[str, Any]:
        """The recipe as plain numbers and words, for a file. The plain beginning is left out: older files lack it."""
        told = {"form": FORM} | json.loads(json.dumps(asdict(self)))
        return {name: value for name, value in told.items() if (name, value) != ("init", INITS[0])}

    @classmethod
    def read(cls, told: dict[str, Any]) -> Recipe:
        """The recipe with the numbers and words that `told` returns.

        >>> Recipe.read(Recipe("relu").told()) == Recipe("relu")
        True
        """
        fields = {name: value for name, value in told.items() if name != "form"}
        shape = Shape(**fields.pop("shape") | {"tubelet": tuple(told["shape"]["tubelet"])})
        return cls(**fields | {"shape": shape, "betas": tuple(told["betas"])})

    def digest(self) -> str:
        """A short hash of everything in it: another recipe has another digest."""
        return hashlib.sha256(json.dumps(self.told(), sort_keys=True).encode()).hexdigest()[:16]


COLOUR_SHAPE = Shape(frames=1, side=112, tubelet=(1, 8, 8), colours=3)
FIELDS: dict[str, dict[str, Any]] = {  # of a task's recipes, where they differ from those of motion
    "colour": {"shape": COLOUR_SHAPE, "batch": 16, "rate": 4e-3, "pool": 4500, "tests": 500, "init": "alike"}}


def task_shape(task: str) -> Shape:
    """The shape of a task's models.

    >>> task_shape("motion") == Shape(), task_shape("colour").side
    (True, 112)
    """
    shape: Shape = FIELDS.get(task, {}).get("shape", Shape())
    return shape


def task_recipe(spec: str, task: str, **fields: Any) -> Recipe:
    """The recipe of a task, with these fields.

    >>> task_recipe("relu", "colour", steps=20).rate, task_recipe("relu", "front") == Recipe("relu", task="front")
    (0.004, True)
    """
    return Recipe(spec, task=task, **FIELDS.get(task, {}) | fields)


def widened_recipe(recipe: Recipe, parameters: int) -> Recipe:
    """The same recipe with its MLPs widened to about `parameters` in all: the control for a gate's parameters.

    A hidden channel costs 2 C + 1 numbers in every block.
    """
    shape, more = recipe.shape, recipe.shape.blocks * (2 * recipe.shape.channels + 1)
    hidden = round(shape.wider * shape.channels) + round(parameters / more)
    return replace(recipe, shape=replace(shape, wider=hidden / shape.channels))
