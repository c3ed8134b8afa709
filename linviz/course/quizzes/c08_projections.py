"""The numbers in the quiz of chapter 8, projecting tokens away, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import Grid, clips, make
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


def recount_plaid() -> Mapping[str, str]:
    """Lines and patches of a picture; and that patches of one row differ by the outputs of their columns alone."""
    grid = Grid(Y=28, X=28)
    q, k, v = torch.randn(3, 1, 1, len(grid), 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    out = make("kronecker_qkv", 1, 4, grid)(q, k, v)[0, 0].view(grid.Y, grid.X, 4)
    steps = out.diff(dim=1)
    assert torch.allclose(steps, steps[:1].expand_as(steps)) and steps.abs().max() > 1e-3
    return {"side": f"{grid.Y}", "lines": f"{grid.Y + grid.X}", "N": f"{len(grid)}"}
