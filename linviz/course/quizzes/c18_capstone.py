"""The numbers in the quiz of chapter 18, the capstone, counted again."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from ..scenes.ch18 import compare_stranger, kernel_map, photo_tokens


def recount_stranger() -> Mapping[str, str]:
    """How many bits squares have less than relu, on a photograph; strangers have the same."""
    q, k = photo_tokens("chelsea")
    relu, squares = (compare_stranger(q, k, partial(_weights, phi))["bits"] for phi in (torch.relu, _squares))
    assert max(abs(x - squares[0]) for x in squares) < 1e-3
    return {"bits": f"{relu[0] - squares[0]:.2f}"}


def _weights(phi: Callable[[Tensor], Tensor], q: Tensor, k: Tensor) -> Tensor:
    return kernel_map(phi(q), phi(k))


def _squares(x: Tensor) -> Tensor:
    return x.relu().square()


def recount_interval() -> Mapping[str, str]:
    """The factor t of a 95 % interval for three and for ten seeds."""
    from scipy.stats import t  # here: it takes longer to import than linviz itself
    return {"three": f"{t.ppf(0.975, 2):.3f}", "ten": f"{t.ppf(0.975, 9):.3f}"}
