"""Exercise 14.2: folds of channels from the eight neighbours in the frame."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...fixation import SPACE
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import normal

Y, X, C = 4, 6, 35  # rows, columns, channels: two per fold, nineteen stay
STEPS = tuple(step[1:] for step in SPACE)
Steps = Sequence[tuple[int, int]]


def right(x: Tensor, steps: Tensor) -> Tensor:
    """Place by place. x (Y, X, C), steps (8, 2) -> (Y, X, C)."""
    rows, columns, channels = x.shape
    y, fold = x.clone(), channels // 16
    for n, (dy, dx) in enumerate(steps.tolist()):
        part = slice(n * fold, (n + 1) * fold)
        for r in range(rows):
            for c in range(columns):
                if 0 <= r + dy < rows and 0 <= c + dx < columns:
                    y[r, c, part] = x[r + dy, c + dx, part]
                elif dy == 0 or dx == 0:
                    y[r, c, part] = 0
    return y


def taken(x: Tensor, steps: Steps, fold: int | None = None, straight: str = "zero", diagonal: str = "own") -> Tensor:
    """The shift with any steps, fold and borders (zero, own, wrap).

    >>> x = normal(0, Y, X, C)
    >>> torch.equal(taken(x, STEPS), right(x, torch.tensor(STEPS)))
    True
    """
    fold = x.shape[2] // 16 if fold is None else fold
    y, (r, c) = x.clone(), torch.meshgrid(torch.arange(x.shape[0]), torch.arange(x.shape[1]), indexing="ij")
    for n, (dy, dx) in enumerate(steps):
        part = slice(n * fold, (n + 1) * fold)
        y[..., part] = x[..., part].roll((-dy, -dx), (0, 1))
        outside = (r + dy < 0) | (r + dy >= x.shape[0]) | (c + dx < 0) | (c + dx >= x.shape[1])
        rule = diagonal if dy and dx else straight
        if rule != "wrap":
            y[..., part][outside] = 0 if rule == "zero" else x[..., part][outside]
    return y


def _order(steps: Tensor, *order: int) -> Steps:
    s = _steps(steps)
    return [s[n] for n in order]


def _steps(steps: Tensor) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in steps]


def _rest(x: Tensor, steps: Tensor) -> Tensor:
    y = taken(x, _steps(steps))
    y[..., 8 * (x.shape[2] // 16):] = 0
    return y


WRONG = {
    "when every neighbour is taken from the opposite side": lambda x, s: taken(x, [(-a, -b) for a, b in _steps(s)]),
    "when rows and columns are exchanged": lambda x, s: taken(x, [(b, a) for a, b in _steps(s)]),
    "when above and below are exchanged": lambda x, s: taken(x, [(-a, b) for a, b in _steps(s)]),
    "when left and right are exchanged": lambda x, s: taken(x, [(a, -b) for a, b in _steps(s)]),
    "when the diagonal folds are zero at the border, too": lambda x, s: taken(x, _steps(s), diagonal="zero"),
    "when the straight folds keep their own channels at the border, too":
        lambda x, s: taken(x, _steps(s), straight="own"),
    "when the two border rules are exchanged": lambda x, s: taken(x, _steps(s), straight="own", diagonal="zero"),
    "when the frame wraps around": lambda x, s: taken(x, _steps(s), straight="wrap", diagonal="wrap"),
    "when the straight folds wrap around": lambda x, s: taken(x, _steps(s), straight="wrap"),
    "when the diagonal folds wrap around": lambda x, s: taken(x, _steps(s), diagonal="wrap"),
    "when a fold is an eighth of the channels": lambda x, s: taken(x, _steps(s), fold=x.shape[2] // 8),
    "when a fold is half as wide as it should be": lambda x, s: taken(x, _steps(s), fold=x.shape[2] // 32),
    "when the number of channels in a fold is rounded up": lambda x, s: taken(x, _steps(s), fold=-(-x.shape[2] // 16)),
    "when only the four straight neighbours are taken": lambda x, s: taken(x, _steps(s)[:4]),
    "when only the four diagonal neighbours are taken, in the first folds": lambda x, s: taken(x, _steps(s)[4:]),
    "when diagonal folds come before straight ones": lambda x, s: taken(x, _order(s, 4, 5, 6, 7, 0, 1, 2, 3)),
    "when the folds come in reverse order": lambda x, s: taken(x, _steps(s)[::-1]),
    "when the folds go clockwise around the patch": lambda x, s: taken(x, _order(s, 1, 6, 2, 5, 0, 7, 3, 4)),
    "when the channels that should stay are set to zero": _rest,
    "when the last channels are shifted, not the first": lambda x, s: taken(x.flip(-1), _steps(s)).flip(-1),
    "when the step is two patches": lambda x, s: taken(x, [(2 * a, 2 * b) for a, b in _steps(s)]),
    "when nothing is shifted": lambda x, s: x.clone(),
}


def frame(seed: int) -> tuple[Any, ...]:
    """A frame of random numbers and the eight steps."""
    return normal(seed, Y, X, C), torch.tensor(STEPS)


def inside(a: Attempt) -> Finding | None:
    _, steps = a.given
    places = torch.arange(Y)[:, None] * 10 + torch.arange(X)
    got = a.ask(places[..., None].double().expand(Y, X, C).contiguous(), steps)[2, 3]
    for n, (dy, dx) in enumerate(steps.tolist()):
        wanted = 10.0 * (2 + dy) + 3 + dx
        if got[n * (C // 16)] != wanted:
            return Finding(f"at row 2, column 3, fold {n} comes from row {2 + dy}, column {3 + dx}; yours does not",
                           f"Step {n} is ({dy}, {dx}): out[r, c] = frame[r + dy, c + dx], for C // 16 channels.", True)
    return None


def rest(a: Attempt) -> Finding | None:
    x, _ = a.given
    stay = 8 * (C // 16)
    return None if is_close(a.got[..., stay:], x[..., stay:]) else Finding(
        f"channels {stay} to {C - 1} should not change", "Only eight folds of C // 16 channels are shifted.", True)


def borders(a: Attempt) -> Finding | None:
    _, steps = a.given
    got = a.ask(torch.ones(Y, X, C, dtype=torch.float64), steps)
    for n, (dy, dx) in enumerate(steps.tolist()):
        corner = got[Y - 1 if dy > 0 else 0, X - 1 if dx > 0 else 0, n * (C // 16)].item()
        wanted = 1.0 if dy and dx else 0.0
        if corner != wanted:
            return Finding(f"a frame of ones, fold {n}, step ({dy}, {dx}): at the border it should be {wanted:.0f}; "
                           f"yours is {corner:.3g}",
                           "At the border straight folds are zero; diagonal folds keep their own channels.", True)
    return None


shift_space = Exercise(
    "shift_space", "14.2", right, frame, (*FIRST, inside, rest, borders, *LAST), WRONG,
    "Each token now holds channels of its eight neighbours, and keeps the rest.")
