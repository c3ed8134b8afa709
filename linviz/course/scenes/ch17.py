"""What chapter 17 draws: what two half-lives leave of a clip, two keys on a circle, and recall from a memory."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...figures import heat
from ...figures.key_circle import key_circle
from ...grid import Grid
from ...maps import Memory

HALF_LIVES = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)  # in frames: the slider of section 2
DEGREES = tuple(range(0, 181, 15))  # from the older key to the newer one: the slider of section 4


def kept_shares(half_life: float, grid: Grid, query: int, scan: str) -> Tensor:
    """What is left of every token when a query reads, if all keys are equal: (N,).

    half_life: in frames. scan "raster": every token fades the memory a little; "frames": every frame does, once.

    >>> kept_shares(1.0, Grid(2, 1, 2), 3, "raster").tolist(), kept_shares(1.0, Grid(2, 1, 2), 3, "frames").tolist()
    ([0.3535533905932738, 0.5, 0.7071067811865476, 1.0], [0.5, 0.5, 1.0, 1.0])
    """
    frame = grid.Y * grid.X
    each = frame if scan == "frames" else 1
    one = torch.ones(len(grid), 1, dtype=torch.float64)
    rate = torch.full((len(grid) // each, 1), -math.log(2) * each / (frame * half_life), dtype=torch.float64)
    return Memory(one, one, rate, one, each=each).rows([query])[0]


def comet_figure(half_life: float, *, grid: Grid, query: int) -> Any:
    """What is left of each patch of every frame: raster order above, frame by frame below, on one scale."""
    scans = ("raster", "frames")
    left = [grid.fold(kept_shares(half_life, grid, query, scan)[:, None])[..., 0] for scan in scans]
    titles = [f"{scan}, frame {t + 1}" for scan in scans for t in range(grid.T)]
    _, row, column = grid.place(query)
    up, aside = (left[0][-1, row - a, column - b].item() for a, b in ((1, 0), (0, 1)))
    said = f"Half-life {half_life:g} frames. In raster order {up:.2f} is left of the patch above the query and " \
           f"{aside:.2f} of the patch to its left; frame by frame all patches of a frame keep the same."
    return heat.patch_panels(torch.cat(left).numpy(), titles, bar="share that is left", top=1.0, columns=grid.T,
                             said=said, title=f"What is left after a half-life of {half_life:g} frames")


def two_key_weights(degrees: float, erase: float = 1.0) -> tuple[float, float]:
    """Weights of an older key at 0 degrees and a newer one at `degrees`, for a query at 90 degrees.

    >>> [round(x, 6) for x in two_key_weights(45)], [round(x, 6) for x in two_key_weights(45, erase=0.0)]
    ([-0.5, 0.707107], [0.0, 0.707107])
    """
    turn = math.radians(degrees)
    k = torch.tensor([[1.0, 0.0], [math.cos(turn), math.sin(turn)]], dtype=torch.float64)
    q = torch.tensor([[0.0, 1.0]], dtype=torch.float64).expand(2, 2)
    one = torch.ones(2, 1, dtype=torch.float64)
    older, newer = Memory(q, k, torch.zeros_like(one), one, erase).rows([1])[0].tolist()
    return older, newer


def two_keys_figure(degrees: float) -> Any:
    """Two keys and a query as arrows on a circle; beside them the weights of a sum and of the delta rule."""
    weights = {"sum": two_key_weights(degrees, 0.0), "delta rule": two_key_weights(degrees)}
    return key_circle({"older key": 0.0, "newer key": degrees, "query": 90.0}, weights, ("older value", "newer value"),
                      title=f"Delta rule: the weight of the older value is {_sign_word(weights['delta rule'][0])}")


def _sign_word(x: float) -> str:
    return "negative" if x < -1e-9 else "positive" if x > 1e-9 else "zero"


def recall_errors(counts: Sequence[int], width: int, beta: float, erase: float, newest: int | None = None,
                  seed: int = 0) -> list[float]:
    """Relative error of what a memory returns for its own keys, after so many pairs were written.

    Keys are random directions of length 1, values are random. newest: ask only for the newest ones.

    >>> recall_errors([1], 8, 1.0, 1.0)[0] < 1e-6
    True
    """
    draw = torch.Generator().manual_seed(seed)
    k, v = (torch.randn(max(counts), n, generator=draw, dtype=torch.float64) for n in (width, 16))
    k, out = k / k.norm(dim=-1, keepdim=True), []
    for n in counts:
        S = torch.zeros(width, 16, dtype=torch.float64)
        for key, value in zip(k[:n], v[:n], strict=True):
            S = S + beta * key[:, None] * (value - erase * key @ S)
        asked = slice(max(0, n - (newest or n)), n)
        out.append(((k[asked] @ S - v[asked]).norm() / v[asked].norm()).item())
    return out
