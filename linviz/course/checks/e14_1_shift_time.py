"""Exercise 14.1: folds of channels from the next and the previous frame."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

T, P, C = 5, 4, 15  # frames, patches of a frame, channels: three channels per fold, nine stay


def right(x: Tensor) -> Tensor:
    """Channel by channel. x (T, P, C) -> (T, P, C)."""
    y, fold = torch.zeros_like(x), x.shape[2] // 4
    for t in range(len(x)):
        for c in range(x.shape[2]):
            source = t + 1 if c < fold else t - 1 if c < 2 * fold else t
            if 0 <= source < len(x):
                y[t, :, c] = x[source, :, c]
    return y


def taken(x: Tensor, first: int = 1, second: int = -1, fold: int | None = None, ends: str = "zero",
          axis: int = 0) -> Tensor:
    """The shift with any steps, folds and borders (zero, own, wrap).

    >>> x = normal(0, T, P, C)
    >>> torch.equal(taken(x), right(x))
    True
    """
    fold = x.shape[2] // 4 if fold is None else fold
    y = x.clone()
    for step, part in ((first, slice(0, fold)), (second, slice(fold, 2 * fold))):
        y[..., part] = x[..., part].roll(-step, axis)
        outside = torch.arange(x.shape[axis]) + step
        gone = ((outside < 0) | (outside >= x.shape[axis])).nonzero().flatten()
        if ends != "wrap":  # the axis goes first, as a view, so that one index serves frames and patches
            kept = x.movedim(axis, 0)[gone, :, part]
            y.movedim(axis, 0)[gone, :, part] = kept if ends == "own" else torch.zeros_like(kept)
    return y


def _alone(x: Tensor, keep: str) -> Tensor:
    y, fold = taken(x), x.shape[2] // 4
    part = {"next": slice(fold, 2 * fold), "previous": slice(0, fold)}[keep]
    y[..., part] = x[..., part]
    return y


def _rest(x: Tensor, value: str) -> Tensor:
    y, fold = taken(x), x.shape[2] // 4
    y[..., 2 * fold:] = {"zero": torch.zeros_like(x), "next": x.roll(-1, 0)}[value][..., 2 * fold:]
    return y


WRONG = {
    "when next and previous are exchanged": lambda x: taken(x, -1, 1),
    "when the clip wraps around, so that the last frame gets the first": lambda x: taken(x, ends="wrap"),
    "when the ends keep their own channels instead of zeros": lambda x: taken(x, ends="own"),
    "when patches are shifted instead of frames": lambda x: taken(x, axis=1),
    "when the step is two frames": lambda x: taken(x, 2, -2),
    "when both folds come from the next frame": lambda x: taken(x, 1, 1),
    "when both folds come from the previous frame": lambda x: taken(x, -1, -1),
    "when the fold from the previous frame is forgotten": lambda x: _alone(x, "next"),
    "when the fold from the next frame is forgotten": lambda x: _alone(x, "previous"),
    "when a fold is half of the channels": lambda x: taken(x, fold=x.shape[2] // 2),
    "when a fold is a third of the channels": lambda x: taken(x, fold=x.shape[2] // 3),
    "when a fold is a single channel": lambda x: taken(x, fold=1),
    "when the number of channels in a fold is rounded up": lambda x: taken(x, fold=-(-x.shape[2] // 4)),
    "when the last channels are shifted, not the first": lambda x: taken(x.flip(-1)).flip(-1),
    "when the channels that should stay are set to zero": lambda x: _rest(x, "zero"),
    "when the channels that should stay are shifted, too": lambda x: _rest(x, "next"),
    "when channels are shifted, not frames": lambda x: x.roll(1, -1),
    "when all channels come from the next frame": lambda x: x.roll(-1, 0),
    "when neighbours are added to a token's own channels": lambda x: taken(x) + x * (torch.arange(x.shape[2]) < 2 * (
        x.shape[2] // 4)),
    "when nothing is shifted": lambda x: x.clone(),
    "when all channels are zero": torch.zeros_like,
}


def clip(seed: int) -> tuple[Any, ...]:
    """A clip of random numbers."""
    return (normal(seed, T, P, C),)


def directions(a: Attempt) -> Finding | None:
    x = torch.arange(1, T + 1, dtype=torch.float64)[:, None, None].expand(T, P, C).contiguous()
    got = a.ask(x)
    fold = C // 4
    seen = [got[2, 0, n].item() for n in (0, fold, C - 1)]
    return None if seen == [4.0, 2.0, 3.0] else Finding(
        f"in frame 3, channels 0, {fold} and {C - 1} should come from frames 4, 2, 3; yours come from {_plain(seen)}",
        "The first fold comes from the next frame, the second from the previous frame, and the rest stays.", True)


def ends(a: Attempt) -> Finding | None:
    got = a.ask(torch.ones(T, P, C, dtype=torch.float64))
    seen, fold = [got[-1, 0, 0].item(), got[0, 0, fold_of(C)].item()], fold_of(C)
    return None if seen == [0.0, 0.0] else Finding(
        f"the last frame has no next frame, and the first no previous: both get zeros; yours get {_plain(seen)}",
        f"Start from zeros in channels 0 to {2 * fold - 1}, and fill the frames that have a neighbour.", True)


def fold_of(channels: int) -> int:
    """How many channels a fold has.

    >>> fold_of(11)
    2
    """
    return channels // 4


def local(a: Attempt) -> Finding | None:
    (x,) = a.given
    far = x.clone()
    far[0] += 1
    moved = (a.ask(far) - a.ask(x)).abs().sum((1, 2)) > 0
    return None if not bool(moved[2:].any()) else Finding(
        "changing frame 1 changed your frame 3 or a later one",
        "The shift takes from one frame away, not from two.", True)


def _plain(seen: list[float]) -> str:
    return ", ".join(f"{x:.3g}" for x in seen)


def same_rest(a: Attempt) -> Finding | None:
    (x,) = a.given
    stay = 2 * fold_of(C)
    return None if is_close(a.got[..., stay:], x[..., stay:]) else Finding(
        f"channels {stay} to {C - 1} should not change", "A fold has C // 4 channels, and two folds are shifted.", True)


shift_time = Exercise(
    "shift_time", "14.1", right, clip, (*FIRST, directions, ends, same_rest, local, *LAST), WRONG,
    "Without any weights, every token now holds channels of the previous and of the next frame.")
