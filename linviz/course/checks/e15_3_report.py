"""Exercise 15.3, train and report: what several trainings of one model say, without choosing the best."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..comparison import first_difference
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from .samples import normal

R, P = 4, 12  # runs, points of a curve
NAMES = ("the mean of the last points", "the lowest of the last points", "the highest of the last points",
         "the step at which the mean curve is halfway from chance to its end")


def right(scores: Tensor, steps: Tensor, chance: float) -> Tensor:
    """Number by number. scores (R, P) of R runs, steps (P,), chance -> (4,): mean, lowest, highest, halfway step."""
    last = [run[-1].item() for run in scores]
    mean = [sum(point.tolist()) / len(scores) for point in scores.mT]
    half = (chance + mean[-1]) / 2
    first = next(step for step, y in zip(steps.tolist(), mean, strict=True) if y >= half)
    return torch.tensor([sum(last) / len(last), min(last), max(last), first], dtype=scores.dtype)


def summary(scores: Tensor, steps: Tensor, chance: float, ends: Tensor | None = None, curve: Tensor | None = None,
            half: float | None = None) -> Tensor:
    """The report with other ends, another curve, or another level halfway.

    >>> given = curves(0)
    >>> torch.equal(summary(*given), right(*given))
    True
    """
    ends = scores[:, -1] if ends is None else ends
    curve = scores.mean(0) if curve is None else curve
    half = (chance + curve[-1].item()) / 2 if half is None else half
    step = steps[int((curve >= half).int().argmax())]
    return torch.stack([ends.mean(), ends.min(), ends.max(), step.to(scores)])


def _spread(x: Tensor, factor: float = 1.0) -> Tensor:
    last = x[:, -1]
    return torch.stack([last.mean(), last.mean() - factor * last.std(), last.mean() + factor * last.std()])


def _last_crossing(scores: Tensor, steps: Tensor, chance: float) -> Tensor:
    mean = scores.mean(0)
    below = (mean < (chance + mean[-1]) / 2).nonzero().flatten()
    return torch.cat((summary(scores, steps, chance)[:3], steps[below[-1:] + 1].to(scores)))


def _own_steps(scores: Tensor, steps: Tensor, chance: float) -> Tensor:
    each = torch.stack([summary(run[None], steps, chance)[3] for run in scores])
    return torch.cat((summary(scores, steps, chance)[:3], each.mean()[None]))


def _ends_of_all(scores: Tensor, steps: Tensor, chance: float, *which: int) -> Tensor:
    out = summary(scores, steps, chance)
    for n in which:
        out[n] = scores.min() if n == 1 else scores.max()
    return out


WRONG = {
    "when the best point of each run is reported: this is choosing by the test":
        lambda x, s, c: summary(x, s, c, x.amax(1)),
    "when the best point of the mean curve is reported, with the range there":
        lambda x, s, c: summary(x, s, c, x[:, int(x.mean(0).argmax())]),
    "when only the best run is reported": lambda x, s, c: summary(x, s, c, x[x[:, -1].argmax(), -1:].expand(2)),
    "when the first run is reported for all": lambda x, s, c: summary(x[:1], s, c),
    "when the points of a whole run are averaged, not the last ones": lambda x, s, c: summary(x, s, c, x.mean(1)),
    "when the last two points are averaged": lambda x, s, c: summary(x, s, c, x[:, -2:].mean(1)),
    "when the median stands for the mean":
        lambda x, s, c: torch.cat((x[:, -1].quantile(0.5)[None], summary(x, s, c)[1:])),
    "when halfway is measured from 0, not from chance":
        lambda x, s, c: summary(x, s, c, half=x.mean(0)[-1].item() / 2),
    "when halfway is measured up to 1, not up to the end of the curve":
        lambda x, s, c: summary(x, s, c, half=(c + 1) / 2),
    "when halfway is the level 0.5": lambda x, s, c: summary(x, s, c, half=0.5),
    "when the number of the point is given, not its step":
        lambda x, s, c: summary(x, torch.arange(len(s)), c),
    "when the last point below halfway is given":
        lambda x, s, c: summary(x, torch.cat((s[:1], s[:-1])), c),
    "when the curve of the best run decides the step":
        lambda x, s, c: summary(x, s, c, curve=x[x[:, -1].argmax()]),
    "when the standard deviation stands for lowest and highest":
        lambda x, s, c: torch.cat((_spread(x), summary(x, s, c)[3:])),
    "when the lowest of all points is reported, not of the last ones": lambda x, s, c: _ends_of_all(x, s, c, 1),
    "when the highest of all points is reported, not of the last ones": lambda x, s, c: _ends_of_all(x, s, c, 2),
    "when lowest and highest are those of all points": lambda x, s, c: _ends_of_all(x, s, c, 1, 2),
    "when the mean curve's last crossing of halfway is given, not its first": _last_crossing,
    "when each run has its own step halfway, and these steps are averaged": _own_steps,
    "when lowest and highest are exchanged": lambda x, s, c: summary(x, s, c)[[0, 2, 1, 3]],
    "when chance is subtracted from the scores":
        lambda x, s, c: summary(x, s, c) - c * torch.tensor([1.0, 1.0, 1.0, 0.0]).to(x),
}
LEVELS = ((0.125, 0.14, 0.17, 0.24, 0.4, 0.44, 0.475, 0.43, 0.48, 0.54, 0.83, 0.78),  # once below halfway again
          (0.1, 0.12, 0.2, 0.28, 0.45, 0.47, 0.494, 0.46, 0.496, 0.53, 0.92, 0.88),
          (0.25, 0.27, 0.3, 0.36, 0.41, 0.46, 0.52, 0.45, 0.498, 0.6, 0.78, 0.74))
CHANCES = (0.125, 0.1, 0.25)
BUMP = (0.0, 0.02, 0.04, 0.28, 0.16, 0.18, 0.16, 0.14, 0.12, 0.1, 0.11, 0.03)  # the best run less the mean


def curves(seed: int) -> tuple[Any, ...]:
    """Scores of four runs, the steps at which they were measured, and the score of a random guess."""
    level, bump = (torch.tensor(x, dtype=torch.float64) for x in (LEVELS[seed % 3], BUMP))
    ahead = torch.tensor([-0.3, 1.0, 0.2, -0.9], dtype=torch.float64).roll(seed)[:, None]
    runs = level + ahead * bump + 0.003 * normal(seed, R, P).clamp(-2, 2)
    return runs.clamp(0.01, 0.99), torch.arange(1, P + 1) * (50 + 10 * (seed % 3)), CHANCES[seed % 3]


def each_number(a: Attempt) -> Finding | None:
    off = first_difference(a.got, a.expected, form=".4g")
    if off is None:
        return None
    return Finding(f"{NAMES[int(off.place)]} should be {off.wanted}, got {off.got}",
                   "Ends are the last points of all runs. Halfway lies between chance and the mean's end.", True)


report = Exercise(
    "report", "15.3", right, curves, (*FIRST, each_number, *LAST), WRONG,
    "All runs are in the report, at the step that was fixed before.")
