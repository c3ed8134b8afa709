"""Examples: labelled clips as a training run reads them, stored compactly with eight bits per pixel.

Examples also say what is asked of a model: the loss of its outputs, and the score by which it is judged.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..shapes import Float
from .recipe import Recipe

if TYPE_CHECKING:
    from ..clips import ColourTask, Task

CHUNK = 1000  # clips drawn at a time
TASKS = {"motion": "motion_task", "front": "front_task"}
OWN = "own"   # the task of a recipe on a user's own videos, which are read, not drawn from a seed (see own_data)
OWN_COLOUR = "own_colour"   # the same for a user's own pictures (see own_pictures)


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
    score_name: ClassVar[str] = "accuracy"

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, i: Tensor, device: str = "cpu",
              turn: tuple[int, int] | None = None) -> tuple[Float[Tensor, "B T colours Ypx Xpx"], Any]:
        """Clips i as frames in 0..1 and their labels, on `device`. turn: seed and step, where a step draws anew."""
        frames = self.frames[i].to(device).float() / 255
        return frames.expand(-1, -1, 3, -1, -1), self.labels[i].to(device)

    def loss(self, outputs: Tensor, labels: Any, smoothing: float = 0.0) -> Tensor:
        """The loss of a batch: cross-entropy in nats, with smoothed labels."""
        return F.cross_entropy(outputs, labels, label_smoothing=smoothing)

    def score(self, answers: Iterable[tuple[Tensor, Any]]) -> float:
        """The fraction of right answers, from batches of outputs and labels."""
        return torch.cat([(logits.argmax(-1) == labels).float() for logits, labels in answers]).mean().item()


@dataclass(frozen=True, eq=False)
class ColourExamples(Examples):
    """Windows to be painted: frames (n, 1, 3, Ypx, Xpx) uint8 in their true colours, labels their photographs.

    grey: of each photograph, whether it has no colour. setting: one of clips.COLOUR_SETTINGS. drawn: seed and split of
    the random colours and hints of a fixed batch; a step of training draws its own. share: of hints, None: at random.
    natural: the photographs' true colours. Labels of a batch are the targets (B, N, 8) and which patches are hidden.

    >>> windows = draw_colour_examples("main", 4, 0, "test")
    >>> frames, (targets, hidden) = windows.batch(torch.tensor([0, 2]))
    >>> frames.shape, targets.shape, hidden.sum(1).tolist()
    (torch.Size([2, 1, 4, 112, 112]), torch.Size([2, 196, 8]), [167, 167])
    """

    grey: Tensor
    setting: str = "main"
    drawn: tuple[int, int] = (0, 0)
    share: float | None = None
    natural: bool = False
    score_name: ClassVar[str] = "r2"

    def batch(self, i: Tensor, device: str = "cpu", turn: tuple[int, int] | None = None) -> tuple[Tensor, Any]:
        """Windows i with colours and hints: always the same, or those of a step of training."""
        task = self.task(i, turn)
        return task.frames.to(device), (task.targets.to(device), ~task.hints.to(device))

    def task(self, i: Tensor, turn: tuple[int, int] | None = None) -> ColourTask:
        """Windows i as a task."""
        from ..clips.colour_task import paint_numbers, paint_windows
        from ..clips.colour_windows import Windows
        from ..clips.task import random_draws
        numbers = paint_numbers(self.frames.shape[-1])
        if turn is None:
            u = random_draws("paint", *self.drawn, 0, len(self), numbers)[i]
        else:
            u = random_draws("paint", turn[0], 0, turn[1] * len(i), len(i), numbers)
        windows = Windows(self.frames[i, 0], self.labels[i], self.classes, self.grey)
        return paint_windows(windows, u, self.setting, self.share, self.natural)

    def loss(self, outputs: Tensor, labels: Any, smoothing: float = 0.0) -> Tensor:
        """The mean squared error in hidden patches, in units of the hints' spread."""
        targets, hidden = labels
        return (outputs - targets)[hidden].square().mean()

    def score(self, answers: Iterable[tuple[Tensor, Any]]) -> float:
        """R2 of hidden patches: 1 - squared error / that of each picture's own true mean colour."""
        from ..clips.colour_task import paint_errors
        pairs = [paint_errors(outputs, *labels) for outputs, labels in answers]
        error, spread = (sum(part) for part in zip(*pairs))
        return 1 - error / spread if spread else 0.0


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
    if task == "colour":
        return draw_colour_examples(setting, n, seed, split)
    make = task_maker(task)
    chunks = [pack_examples(make(min(CHUNK, n - at), seed, split, setting, first=at)) for at in range(0, n, CHUNK)]
    return Examples(torch.cat([e.frames for e in chunks]), torch.cat([e.labels for e in chunks]), chunks[0].classes)


def draw_colour_examples(setting: str, n: int, seed: int, split: str, opened: bool = False) -> ColourExamples:
    """n windows of the colour task over the photographs of a split, as `clips.colour_task` draws them."""
    from ..clips.colour_task import TEST_SHARE, check_colour_setting
    from ..clips.colour_windows import split_windows
    from ..clips.sources import split_number
    check_colour_setting(setting)
    windows = split_windows(n, seed, split, setting == "exchanged", opened=opened)
    return ColourExamples(windows.pixels[:, None], windows.photographs, windows.names, windows.grey, setting,
                          (seed, split_number(split, opened)), None if split == "train" else TEST_SHARE)


def pack_examples(task: Task) -> Examples:
    """A task's clips in eight bits and one colour channel: linviz draws grey clips for training."""
    return Examples((task.frames[:, :, :1] * 255).round().byte(), task.labels, task.classes)


def task_maker(task: str) -> Callable[..., Task]:
    """The function that draws clips of a task, by its name."""
    from .. import clips  # here and not above: a wide door, for those who only build a model
    if task == OWN:
        raise ValueError("this recipe is for a user's own videos: read them with models.own_data.read_folder(folder) "
                         "and pass them as data=")
    if task == OWN_COLOUR:
        raise ValueError("this recipe is for a user's own pictures: read them with "
                         "models.own_pictures.read_picture_folder(folder) and pass them as data=")
    if task not in TASKS:
        raise ValueError(f"no task called {task!r}; there are: {', '.join([*TASKS, 'colour'])}")
    function: Callable[..., Task] = getattr(clips, TASKS[task])
    return function
