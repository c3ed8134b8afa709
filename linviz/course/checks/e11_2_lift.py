"""Exercise 11.2: the weight that an object gets, as a multiple of its fair share."""
from __future__ import annotations

import torch
from torch import Tensor

from ..comparison import first_difference, number_pair
from ..exercise import Attempt, Exercise, Finding
from ..properties import FIRST, LAST
from ..tensor_equality import is_close
from .samples import N, S, normal


def right(a: Tensor, mask: Tensor) -> Tensor:
    """Patch by patch. a (N, S), mask (S,) in 0..1 -> (N,) times the fair share."""
    area = sum(mask.tolist()) / len(mask)
    mass = [sum(w * m for w, m in zip(row, mask.tolist(), strict=True)) for row in a.tolist()]
    return torch.tensor([m / area for m in mass], dtype=a.dtype)


def _mass(a: Tensor, mask: Tensor) -> Tensor:
    return (a * mask).sum(-1)


WRONG = {
    "when the mass comes back, not divided by the object's area": _mass,
    "when the mass is divided by the sum of the mask, not by its mean (or averaged over the keys, not summed)":
        lambda a, m: _mass(a, m) / m.sum(),
    "when the mass is multiplied by the area": lambda a, m: _mass(a, m) * m.mean(),
    "when a patch counts in full as soon as the object touches it":
        lambda a, m: _mass(a, (m > 0).to(a)) / (m > 0).to(a).mean(),
    "when a patch counts only if it is fully covered": lambda a, m: _mass(a, (m == 1).to(a)) / (m == 1).to(a).mean(),
    "when a patch counts in full if at least half of it is covered":
        lambda a, m: _mass(a, (m >= 0.5).to(a)) / (m >= 0.5).to(a).mean(),
    "when the area counts every touched patch in full": lambda a, m: _mass(a, m) / (m > 0).to(a).mean(),
    "with the background in place of the object": lambda a, m: _mass(a, 1 - m) / (1 - m).mean(),
    "when mass on the background is divided by the object's area": lambda a, m: _mass(a, 1 - m) / m.mean(),
    "when the rows are averaged": lambda a, m: _mass(a, m).mean() / m.mean(),
    "when the area is subtracted, and the mass is not divided by it": lambda a, m: _mass(a, m) - m.mean(),
    "when the largest weight on the object is taken, not the sum": lambda a, m: (a * m).amax(-1) / m.mean(),
    "when the fraction is upside down": lambda a, m: m.mean() / _mass(a, m),
    "when mass on the object is divided by mass on the background": lambda a, m: _mass(a, m) / _mass(a, 1 - m),
    "when 1 is subtracted at the end": lambda a, m: _mass(a, m) / m.mean() - 1,
    "when the sum over the keys is missing, so that every patch keeps its own number": lambda a, m: a * m / m.mean(),
}


def covered(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs: rows that sum to one, and a mask with patches that are covered, free, and partly covered."""
    mask = torch.tensor([1.0, 0.0, 0.3, 0.6, 1.0, 0.0], dtype=torch.float64).roll(seed)
    return normal(seed, N, S).softmax(-1), mask


def fair(a: Attempt) -> Finding | None:
    mask = a.given[1]
    got = a.ask(torch.full((N, S), 1 / S, dtype=torch.float64), mask)
    off = first_difference(got, torch.ones(N, dtype=torch.float64), form=".3g")
    return None if off is None else Finding(
        f"uniform attention gives an object its fair share: a lift of {off.wanted}; yours gives {off.got}",
        f"The mass of a uniform row on this mask is the mean of the mask, {mask.mean().item():.3f}.", True)


def all_of_it(a: Attempt) -> Finding | None:
    mask = torch.tensor([1.0] + [0.0] * (S - 1), dtype=torch.float64)
    rows = torch.eye(S, dtype=torch.float64)
    got = a.ask(rows, mask)
    wanted = torch.tensor([float(S)] + [0.0] * (S - 1), dtype=torch.float64)
    off = first_difference(got, wanted, form=".3g")
    return None if off is None else Finding(
        f"if the object is 1 patch of {S}, rows that look only there have lift {S}, others 0: row {off.place} "
        f"has {off.wanted}; yours gives {off.got}",
        "Divide the mass on the object by the object's share of the picture.", True)


def in_part(a: Attempt) -> Finding | None:
    mask = torch.tensor([1.0, 0.25] + [0.0] * (S - 2), dtype=torch.float64)
    rows = torch.eye(S, dtype=torch.float64)[:2]
    got = a.ask(rows, mask)
    return None if is_close(got[1], 0.25 * got[0]) else Finding(
        "a patch that is one quarter covered should count 0.25 of a full patch; yours counts "
        f"{number_pair(0.25, (got[1] / got[0]).item(), '.3g')[1]}",
        "The mask holds the covered share of each patch: multiply by the mask, and do not round it.", True)


lift = Exercise(
    "lift", "11.2", right, covered, (*FIRST, fair, all_of_it, in_part, *LAST), WRONG,
    "A uniform row has a lift of 1.")
