"""Examples: labelled clips as a training run reads them, stored compactly with eight bits per pixel."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..shapes import Float
from .recipe import Recipe

if TYPE_CHECKING:
    from ..clips import Task

CHUNK = 1000  # clips drawn at a time
TASKS = {"motion": "motion_task", "front": "front_task"}
OWN = "own"   # the task of a recipe on a user's own videos, which are read, not drawn from a seed (see own_data)


@dataclass(frozen=True, eq=False)
class Examples:
    """frames (n, T, colours, Ypx, Xpx) uint8, colours 1 or 3; labels (n,) int64; the names of the classes.

    >>> grey = Examples(torch.zeros(5, 2, 1, 4, 4, dtype=torch.uint8), torch.arange(5), tuple("abcde"))
    >>> grey.batch(torch.tensor([1, 3]))[0].shape, len(grey)
    (torch.Size([2, 2, 3, 4, 4]), 5)
    """

    frames: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, i: Tensor, device: str = "cpu") -> tuple[Float[Tensor, "B T 3 Ypx Xpx"], Tensor]:
        """Clips i as frames in 0..1 and their labels, on `device`."""
        frames = self.frames[i].to(device).float() / 255
        return frames.expand(-1, -1, 3, -1, -1), self.labels[i].to(device)


@dataclass(frozen=True, eq=False)
class Data:
    """The examples that a run learns from, and those it is tested on."""

    train: Examples
    test: Examples


def make_data(recipe: Recipe) -> Data:
    """The examples that a recipe names; the last two kinds are cached for the next arm."""
    return Data(draw_examples(recipe.task, recipe.setting, recipe.pool, recipe.pool_seed, "train"),
                draw_examples(recipe.task, recipe.setting, recipe.tests, recipe.test_seed, "test"))


@lru_cache(maxsize=4)
def draw_examples(task: str, setting: str, n: int, seed: int, split: str) -> Examples:
    """n examples of a task, from the photographs and digits of `split`."""
    make = task_maker(task)
    chunks = [pack_examples(make(min(CHUNK, n - at), seed, split, setting, first=at)) for at in range(0, n, CHUNK)]
    return Examples(torch.cat([e.frames for e in chunks]), torch.cat([e.labels for e in chunks]), chunks[0].classes)


def pack_examples(task: Task) -> Examples:
    """A task's clips in eight bits and one colour channel: linviz draws grey clips for training."""
    return Examples((task.frames[:, :, :1] * 255).round().byte(), task.labels, task.classes)


def task_maker(task: str) -> Callable[..., Task]:
    """The function that draws clips of a task, by its name."""
    from .. import clips  # here and not above: a wide door, for those who only build a model
    if task == OWN:
        raise ValueError("this recipe is for a user's own videos: read them with models.own_data.read_folder(folder) "
                         "and pass them as data=")
    if task not in TASKS:
        raise ValueError(f"no task called {task!r}; there are: {', '.join(TASKS)}")
    function: Callable[..., Task] = getattr(clips, TASKS[task])
    return function
