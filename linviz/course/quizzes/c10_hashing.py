"""The numbers in the quiz of chapter 10, hashing and choosing, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, clips, make
from ...spectra import effective_rank, stable_rank
from ..checks import ALL
from ..scenes.ch10 import circle_points, nearest_directions, turned_directions


def recount_miss() -> Mapping[str, str]:
    """The probability to meet, over turns of the directions in steps of a tenth of a degree."""
    x = circle_points(apart=45.0)[:2].double()
    turns = [nearest_directions(x, turned_directions((n + 0.5) / 10).double()) for n in range(900)]
    one = sum(bool(b[0] == b[1]) for b in turns) / len(turns)
    return {"theta": "45", "wide": f"{360 / 4:.0f}", "r": "4", "one": f"{100 * one:.0f}",
            "all": f"{100 * (1 - (1 - one) ** 4):.1f}", "least": f"{100 * (1 - one) ** 4:.1f}"}


def recount_chunk() -> Mapping[str, str]:
    """How many tokens of one bucket a query sees."""
    seen = ALL["seen_after_sorting"].right(torch.zeros(400, dtype=torch.int64), 8)
    (counts,) = set(seen.sum(-1).int().tolist())
    return {"N": f"{len(seen)}", "L": "8", "sees": f"{counts}", "other": "0"}


def recount_twice() -> Mapping[str, str]:
    """Weights of two keys with one score, seen three times and once: right, and as often as they were seen."""
    seen = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)[:, None].expand(3, 2, 2)
    scores, v = torch.zeros(2, 2, dtype=torch.float64), torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    check = ALL["merged_rounds"]
    wrong = next(iter(check.wrong.values()))
    return {"many": f"{len(seen)}", "half": f"{100 * check.right(scores, seen, v)[0, 0]:.0f}",
            "wrong": f"{100 * wrong(scores, seen, v)[0, 0]:.0f}"}


def recount_rest() -> Mapping[str, str]:
    """Two ranks of the 32 largest weights of each row and of the rest, on the cat."""
    grid = Grid(Y=20, X=20)
    q, k, v = clips.descriptors(clips.fit(clips.load("chelsea"), grid), grid, 2 / 3)
    table = make("softmax", 1, q.shape[-1], grid).map(q, k, v).dense()[0, 0]
    large = table >= table.topk(32, -1).values[:, -1:]
    few, rest = (torch.linalg.svdvals((table * mask).double()) for mask in (large, ~large))
    return {"few": "32", "stable": f"{stable_rank(rest):.1f}", "effective": f"{effective_rank(rest):.0f}",
            "stable_few": f"{stable_rank(few):.1f}", "effective_few": f"{effective_rank(few):.0f}"}
