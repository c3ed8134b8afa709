"""Exercise 14.3: whose content the weights of a query bring in, if v was shifted in space."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...fixation import SPACE
from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

Y, X = 4, 6
STEPS = tuple(step[1:] for step in SPACE)
SLANTED = ((-1, 0), (-1, 0), (-1, 0), (0, 1), (-1, 1), (-1, 1), (1, 1), (-1, -1))  # shows directions: the eight do not


def right(row: Tensor, channels: int, steps: Tensor) -> Tensor:
    """Slot by slot. row (Y, X), steps (8, 2) -> (Y, X)."""
    rows, columns = row.shape
    fold = channels // 16
    out = row * (channels - 8 * fold) / channels
    for dy, dx in steps.tolist():
        for r in range(rows):
            for c in range(columns):
                if 0 <= r + dy < rows and 0 <= c + dx < columns:
                    out[r + dy, c + dx] += row[r, c] * fold / channels
                elif dy and dx:
                    out[r, c] += row[r, c] * fold / channels
    return out


def spread(row: Tensor, steps: Tensor, share: float, rest: float, straight: str = "lost", diagonal: str = "own"
           ) -> Tensor:
    """The same with any share for a fold and for the rest, and any border rule (lost, own, wrap).

    >>> row = normal(0, Y, X).exp()
    >>> steps = torch.tensor(STEPS)
    >>> torch.allclose(spread(row, steps, 2 / 35, 19 / 35), right(row, 35, steps))
    True
    """
    out = row * rest
    r, c = torch.meshgrid(torch.arange(row.shape[0]), torch.arange(row.shape[1]), indexing="ij")
    for dy, dx in steps.tolist():
        outside = (r + dy < 0) | (r + dy >= row.shape[0]) | (c + dx < 0) | (c + dx >= row.shape[1])
        rule = diagonal if dy and dx else straight
        out = out + share * (row if rule == "wrap" else row.masked_fill(outside, 0)).roll((dy, dx), (0, 1))
        if rule == "own":
            out = out + share * row.masked_fill(~outside, 0)
    return out


def _shares(channels: int) -> tuple[float, float]:
    fold = channels // 16
    return fold / channels, (channels - 8 * fold) / channels


WRONG = {
    "when all content is left where the weight lies": lambda row, C, s: row.clone(),
    "when only the channels that stay are counted": lambda row, C, s: row * _shares(C)[1],
    "when only the shifted channels are counted": lambda row, C, s: spread(row, s, _shares(C)[0], 0),
    "when a fold counts as exactly a sixteenth of the channels": lambda row, C, s: spread(row, s, 1 / 16, 1 / 2),
    "when a fold counts as an eighth of the channels":
        lambda row, C, s: spread(row, s, (C // 8) / C, (C - 8 * (C // 8)) / C),
    "when all nine places get equal shares": lambda row, C, s: spread(row, s, 1 / 9, 1 / 9),
    "when diagonal content is lost at the border, too": lambda row, C, s: spread(row, s, *_shares(C), diagonal="lost"),
    "when straight folds keep their own content at the border, too":
        lambda row, C, s: spread(row, s, *_shares(C), straight="own"),
    "when the two border rules are exchanged":
        lambda row, C, s: spread(row, s, *_shares(C), straight="own", diagonal="lost"),
    "when the frame wraps around":
        lambda row, C, s: spread(row, s, *_shares(C), straight="wrap", diagonal="wrap"),
    "when the straight folds wrap around": lambda row, C, s: spread(row, s, *_shares(C), straight="wrap"),
    "when the diagonal folds wrap around": lambda row, C, s: spread(row, s, *_shares(C), diagonal="wrap"),
    "when only the straight neighbours are traced back": lambda row, C, s: spread(row, s[:4], *_shares(C)),
    "when only the diagonal neighbours are traced back": lambda row, C, s: spread(row, s[4:], *_shares(C)),
    "when the result is rescaled to the sum of the weights, although content is lost at the border":
        lambda row, C, s: spread(row, s, *_shares(C)) * row.sum() / spread(row, s, *_shares(C)).sum(),
    "when channels are added up, not averaged": lambda row, C, s: C * spread(row, s, *_shares(C)),
    "when a fold counts as one channel": lambda row, C, s: spread(row, s, 1 / C, (C - 8) / C),
    "when the channels that stay count in full, and the folds are added":
        lambda row, C, s: spread(row, s, _shares(C)[0], 1),
    "when the channels that stay count as half": lambda row, C, s: spread(row, s, _shares(C)[0], 0.5),
    "when content comes from the opposite side": lambda row, C, s: spread(row, -s, *_shares(C)),
    "when dy and dx are exchanged": lambda row, C, s: spread(row, s.flip(1), *_shares(C)),
    "when a step is two patches":
        lambda row, C, s: spread(row, 2 * s, *_shares(C)),
    "when the channels that stay are one fold too few":
        lambda row, C, s: spread(row, s, _shares(C)[0], _shares(C)[1] - _shares(C)[0]),
}


def weights(seed: int) -> tuple[Any, ...]:
    """A row over a frame, a number of channels that sixteen does not divide, and eight steps."""
    row = normal(seed, Y, X).mul(1.5).flatten().softmax(0).view(Y, X)
    return row, (35, 50, 39)[seed % 3], torch.tensor((STEPS, SLANTED, STEPS[::-1])[seed % 3])


def one(a: Attempt) -> Finding | None:
    _, channels, steps = a.given
    row = torch.zeros(Y, X, dtype=torch.float64)
    row[2, 3] = 1
    got, wanted = a.ask(row, channels, steps), right(row, channels, steps)
    for (r, c), name in (((2, 3), "this place"), ((2, 2), "the place to the left"), ((1, 2), "the place above left")):
        if off := first_difference(got[r, c], wanted[r, c], form=".3f"):
            return Finding(f"all weight in one place, {channels} channels: {name} gives {off.wanted} of "
                           f"the content; yours gives {off.got}",
                           f"A fold has {channels} // 16 channels of {channels}; {channels} minus 8 folds stay.", True)
    off = first_difference(got, wanted, form=".3f")
    return None if off is None else Finding(
        f"all weight at [2, 3]: the content that comes from [{off.place}] is {off.wanted}; yours is {off.got}",
        "Slot (r, c) of fold n holds the channels of (r + dy, c + dx).", True)


def edge(a: Attempt) -> Finding | None:
    _, channels, steps = a.given
    row = torch.zeros(Y, X, dtype=torch.float64)
    row[0, 0] = 1
    got, wanted = a.ask(row, channels, steps), right(row, channels, steps)
    off = first_difference(got, wanted, form=".3f")
    return None if off is None else Finding(
        f"all weight in a corner: {wanted.sum().item():.3f} of it brings content, {off.wanted} from [{off.place}]; "
        f"yours {off.got}",
        "At the border straight folds hold zeros, and their weight is lost; diagonal folds hold the slot's own.", True)


content_of = Exercise(
    "content_of", "14.3", right, weights, (*FIRST, one, edge, *LAST), WRONG,
    "Now you can compute whose content a bright patch holds.")
