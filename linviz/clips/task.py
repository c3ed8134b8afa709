"""A task: many short clips, each with the one answer that a model should give, and every random choice.

    motion_task  which way does the digit move?           front_task  which of two crossing discs is in front?

Clip i depends only on the seed, the split and i: the first clips of a long task are those of a short one. Every
choice is one number from `numpy.random.default_rng` (PCG64, `random()`), which is the same on every machine.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .clip import Clip
from .sources import DIGITS_BY, DIGITS_LICENCE, SOURCES

OVER_TIME = ("path", "other", "hidden")  # the entries of `truth` that have a value for every frame


@dataclass(frozen=True, eq=False)
class Task:
    """n clips of T frames with their labels and truth.

    frames   (n, T, 3, Ypx, Xpx) float32 in 0..1; grey: the three colours are one channel, expanded
    labels   (n,) int64, an index of `classes`
    masks    (n, T, Ypx, Xpx) bool, the visible pixels of the target
    truth    the random choices by name; the functions that make tasks describe each
    classes  the names of the labels
    asks     the question;  tells  one clip's answer in words, with `{label}` and `{digit}` filled in

    >>> from linviz.clips import motion_task
    >>> task = motion_task(2, seed=0)
    >>> task.frames.shape, task.masks.shape
    (torch.Size([2, 8, 3, 36, 36]), torch.Size([2, 8, 36, 36]))
    """

    frames: Tensor
    labels: Tensor
    masks: Tensor
    truth: dict[str, Tensor]
    classes: tuple[str, ...]
    asks: str = ""
    tells: str = "{label}"

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def chance(self) -> float:
        """How often a random guess is right.

        >>> from linviz.clips import motion_task
        >>> motion_task(1, seed=0).chance
        0.125
        """
        return 1 / len(self.classes)

    def clip(self, i: int) -> Clip:
        """Clip number i as an ordinary clip with author, licence, title and mask. IndexError beyond the last.

        >>> from linviz.clips import motion_task
        >>> motion_task(2, seed=0).clip(1).size
        (8, 36, 36)
        """
        if not -len(self) <= i < len(self):
            raise IndexError(f"there is no clip {i}; the task has {len(self)}, counted from 0")
        told = self.tells.format(label=self.classes[self.labels[i]], digit=int(self.truth["digit"][i]))
        used = [SOURCES[n] for n in (int(self.truth["photograph"][i]), *self.truth["cut"][i].tolist())]
        return Clip(
            f"task-{i}", told, self.frames[i].contiguous(),
            author=f"digits: {DIGITS_BY}; photographs: " + _join_unique(s.author for s in used),
            licence=f"digits: {DIGITS_LICENCE}; photographs: "
                    + _join_unique(f"{s.name}: {s.licence}" for s in used),
            source="scikit-learn, load_digits(); " + _join_unique(f"{s.loader}()" for s in used),
            recipe=f"{self.asks} Drawn from a seed with real ink and real photographs "
                   f"({_join_unique(s.name for s in used)}).",
            alt=f"{told}, in {self.frames.shape[1]} frames of {self.frames.shape[-1]} pixels, grey.",
            mask=self.masks[i], query=(0, *_mask_centre(self.masks[i, 0])))


def _join_unique(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))


def _mask_centre(mask: Tensor) -> tuple[float, float]:
    """The mask's pixel nearest to its centre, as fractions of height and width; the frame's centre if all is hidden."""
    on = mask.nonzero().float()
    if not len(on):
        return 0.5, 0.5
    nearest = on[(on - on.mean(0)).square().sum(1).argmin()] + 0.5
    down, across = (nearest / torch.tensor(mask.shape)).tolist()
    return down, across


def reverse_clips(task: Task) -> Task:
    """Every clip played backwards, with the opposite answer: class c becomes (c + C/2) mod C of C classes.

    >>> from linviz.clips import motion_task
    >>> task = motion_task(4, seed=0)
    >>> bool(((reverse_clips(task).labels - task.labels) % 8 == 4).all())
    True
    """
    back = torch.arange(task.masks.shape[1]).flip(0).expand(len(task), -1)
    half = len(task.classes) // 2
    turned = _reorder_frames(task, back)
    truth = turned.truth | {k: -turned.truth[k] for k in ("drift",) if k in turned.truth}
    if "direction" in truth:
        truth["direction"] = (truth["direction"] + half) % len(task.classes)
    return replace(turned, labels=(task.labels + half) % len(task.classes), truth=truth)


def shuffle_frames(task: Task, seed: int) -> Task:
    """The frames of every clip in one random order of its own; labels stay those of the clip in order.

    truth["order"] (n, T) says which frame of the task each one was.

    >>> from linviz.clips import motion_task
    >>> shuffle_frames(motion_task(4, seed=0), seed=1).truth["order"].sort().values[0].tolist()
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    drawn = random_draws("shuffle", seed, 0, 0, len(task), task.masks.shape[1])
    order = drawn.argsort(dim=1, stable=True)
    turned = _reorder_frames(task, order)
    return replace(turned, truth=turned.truth | {"order": order})


def _reorder_frames(task: Task, order: Tensor) -> Task:
    clip = torch.arange(len(task))[:, None]
    grey = task.frames[:, :, 0][clip, order]
    truth = {k: v[clip, order] if k in OVER_TIME else v for k, v in task.truth.items()}
    return replace(task, frames=as_frames(grey), masks=task.masks[clip, order], truth=truth)


def as_frames(grey: Tensor) -> Tensor:
    """Grey (n, T, Ypx, Xpx) as three equal colours without a copy: (n, T, 3, Ypx, Xpx).

    >>> as_frames(torch.zeros(1, 2, 4, 5)).shape
    torch.Size([1, 2, 3, 4, 5])
    """
    return grey[:, :, None].expand(-1, -1, 3, -1, -1)


STREAMS = ("motion", "front", "shuffle", "window", "paint")  # one random stream each, so that none repeats another


def random_draws(stream: str, seed: int, split: int, first: int, n: int, each: int) -> Tensor:
    """`each` numbers in 0..1 for every one of n clips from number `first` on: (n, each) float64.

    >>> many, few = random_draws("motion", 7, 0, 0, 9, 5), random_draws("motion", 7, 0, 6, 2, 5)
    >>> torch.equal(many[6:8], few)
    True
    """
    for what, value, low, high in (("n", n, 1, 2**31), ("seed", seed, 0, 2**32), ("first", first, 0, 2**31)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{what} must be a whole number from {low} to {high}; got {value!r}")
    bits = np.random.PCG64([STREAMS.index(stream), split, seed]).advance(first * each)
    return torch.from_numpy(np.random.Generator(bits).random((n, each)))
