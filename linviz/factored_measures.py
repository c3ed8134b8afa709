"""Row measures that a map with thin factors has without its rows: O(N M^2) in place of O(N S M)."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .concentration import mask_area, mask_numbers
from .maps import Factored, Map, factored_moments, factored_row_means, factored_row_sums
from .row_block import DEAD_ROW_SUM


@torch.no_grad()
def factored_measures(a: Map, wanted: Mapping[str, dict[str, Any]]) -> dict[str, Tensor]:
    """Those of the wanted measures that the factors of a map give, with `dead`: (..., N) each; none for other maps.

    >>> from linviz.maps import Dense
    >>> uniform = Factored(torch.full((4, 1), 0.25), torch.ones(4, 1))
    >>> {name: x.tolist() for name, x in factored_measures(uniform, {"participation": {}, "entropy": {}}).items()}
    {'dead': [False, False, False, False], 'participation': [4.0, 4.0, 4.0, 4.0]}
    >>> factored_measures(Dense(torch.eye(3)), {"participation": {}})
    {}
    """
    if not isinstance(a, Factored) or not a.stochastic:
        return {}
    sums, squares = factored_moments(a) if "participation" in wanted else (factored_row_sums(a), None)
    dead = sums < DEAD_ROW_SUM
    found = {name: _mask_measure(a, name, **options) for name, options in wanted.items() if name in ("mass", "lift")}
    found |= {} if squares is None else {"participation": sums.square() / squares}
    return {"dead": dead} | {name: x.masked_fill(dead, torch.nan) for name, x in found.items()}


def _mask_measure(a: Factored, name: str, mask: Tensor) -> Tensor:
    mass = factored_row_means(a, mask_numbers(mask, a.shape[1], a.dtype)[:, None]).squeeze(-1)
    return mass / mask_area(mask, a.shape[1], a.dtype) if name == "lift" else mass
