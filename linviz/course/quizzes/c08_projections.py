"""The numbers in the quiz of chapter 8, projecting tokens away, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, clips
from ..scenes.ch08 import singular_shares


def recount_spectrum() -> Mapping[str, str]:
    """What the first quarter of the singular values of a softmax map holds, on the cat with 14 x 14 patches."""
    opening, grid = clips.OPENING, Grid(1, 14, 14)
    q, k, _ = (x.double() for x in clips.descriptors(clips.load(opening.name), grid, opening.temperature))
    a = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)[0, 0]
    plain, energy = singular_shares(a)
    quarter = len(a) // 4
    return {"N": f"{int(torch.linalg.matrix_rank(a))}", "plain": f"{100 * plain[quarter - 1]:.0f}",
            "energy": f"{100 * energy[quarter - 1]:.0f}", "quarter": f"{quarter}"}
