"""The numbers in the quiz of chapter 0, start here, counted again."""
from __future__ import annotations

from collections.abc import Mapping

import torch

from ... import clips, concentration, make
from .. import pictures

SIZES = 6, 4  # queries, keys


def recount_table() -> Mapping[str, str]:
    """The sum of a table whose rows sum to one."""
    N, S = SIZES
    a = torch.randn(N, S, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(-1)
    return {"N": f"{N}", "S": f"{S}", "all": f"{a.sum().item():.0f}"}


def recount_apply() -> Mapping[str, str]:
    """The output of a map for values that are the same for all keys."""
    N, S = SIZES
    a = torch.randn(N, S, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).softmax(-1)
    grey, out = 0.5, a @ torch.full((S, 1), 0.5, dtype=torch.float64)
    assert torch.allclose(out, torch.full_like(out, grey))
    return {"grey": f"{grey}", "out": f"{out[0, 0].item():.1f}", "part": f"{grey / S}", "S": f"{S}"}


def recount_tell() -> Mapping[str, str]:
    """How much contrast of the cat two maps keep, and their mean entropies."""
    opening = clips.OPENING
    photo = clips.fit(clips.load(opening.name), opening.grid)
    q, k, v = clips.descriptors(photo, opening.grid, opening.temperature)
    rgb = pictures.patch_colours(photo, opening.grid)
    out = {"most": f"{torch.tensor(len(opening.grid)).log2().item():.2f}"}
    for name, spec in (("soft", "softmax"), ("floor", "relu_floor")):
        a = make(spec, 1, q.shape[-1], opening.grid).map(q, k, v)
        kept = 100 * (a.apply(rgb).std(-2) / rgb.std(-2)).mean().item()
        out |= {"floor": f"{kept:.0f}"} if name == "floor" else {}
        out[name + "_bits"] = f"{concentration.entropy(a.dense()).mean().item():.2f}"
    return out
