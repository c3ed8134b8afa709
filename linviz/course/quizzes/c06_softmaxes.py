"""The numbers in the quiz of chapter 6, two softmaxes, counted again."""
from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ... import clips, make
from ...spectra import effective_rank
from ..scenes.ch06 import slid_map


def _cat() -> tuple[Tensor, ...]:
    """Queries, keys and values of the opening photograph, float64."""
    opening = clips.OPENING
    photo = clips.fit(clips.load(opening.name), opening.grid)
    return tuple(x.double() for x in clips.descriptors(photo, opening.grid, opening.temperature))


def recount_axis() -> Mapping[str, str]:
    """The largest sum of a column, with the softmax of the keys over positions and over channels."""
    q, k, _ = _cat()
    most = [slid_map(slide, q, k).column_sums().max().item() for slide in (0.0, 1.0)]
    return {"positions": f"{most[0]:.1f}", "channels": f"{most[1]:.2f}"}


def recount_sums() -> Mapping[str, str]:
    """What values of 1 become after a factor of 1/sqrt(D)."""
    D = 64
    return {"D": f"{D}", "value": f"{D ** -0.5:.3f}"}


def recount_caption() -> Mapping[str, str]:
    """The number of agents, and the effective rank of their map on the cat."""
    q, k, v = _cat()
    m = make("agent", 1, q.shape[-1], clips.OPENING.grid).double().requires_grad_(False)
    a = m.map(q, k, v)
    return {"agents": f"{a.rank_bound}", "used": f"{effective_rank(a.singular_values()).item():.1f}"}
