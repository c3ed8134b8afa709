"""What chapter 8 draws and counts: patches that change places, and cumulative singular values with their caveat."""
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ...figures import growth, repainted
from ...grid import Grid
from ...mechanisms import Attention, make
from ...spectra import cumulative_share
from .ch06 import contrast_left

SHUFFLED = tuple(n / 10 for n in range(11))         # share of the patches that change places
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)                # of the scores


def pooled_linformer(grid: Grid, width: int, side: int, value_width: int) -> Attention:
    """Linformer in float64 whose E and F average squares of patches: side x side summaries of a photograph.

    >>> pooled_linformer(Grid(Y=4, X=4), 3, side=2, value_width=3).mechanism.F[0, 0].tolist()[:5]
    [0.25, 0.25, 0.0, 0.0, 0.25]
    """
    m = make("linformer", 1, width, grid, value_width=value_width, length=side * side).double().requires_grad_(False)
    _, y, x = grid.places().unbind(-1)
    square = (y * side // grid.Y) * side + x * side // grid.X
    table = (square == torch.arange(side * side)[:, None]).double()
    for name in ("E", "F"):
        m.mechanism.get_parameter(name).copy_(table / table.sum(-1, keepdim=True))
    return m


def exchanged_order(share: float, size: int, seed: int = 0) -> Tensor:
    """An order of `size` tokens in which this share of them has changed places.

    >>> exchanged_order(0.0, 3).tolist()
    [0, 1, 2]
    """
    g = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(size, generator=g)[:round(share * size)]
    order = torch.arange(size)
    order[chosen] = chosen.roll(1)
    return order


def shuffled_output(m: Attention, order: Tensor, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """The output for tokens in another order, put back into the old order: (B, H, N, E)."""
    out: Tensor = m.map(*(x[..., order, :] for x in (q, k, v))).apply(v[..., order, :])
    return out[..., order.argsort(), :]


def shuffled_figure(share: float, *, m: Attention, q: Tensor, k: Tensor, colours: Tensor) -> Any:
    """The photograph repainted by `m` after some patches have changed places, and the change of every patch."""
    grid, order = m.grid, exchanged_order(share, q.shape[-2])
    painted = shuffled_output(m, order, q, k, colours)
    change = (painted - m.map(q, k, colours).apply(colours)).norm(dim=-1)
    left = contrast_left(painted, colours)
    return repainted.repainted_picture(
        painted.view(grid.Y, grid.X, 3).numpy(), change.view(grid.Y, grid.X).numpy(),
        ("repainted, patches put back", "change of each patch"), bar="change of the colour (RGB, 0 to 1)", top=0.4,
        said=f"{100 * share:.0f} % of the patches changed places; {left:.0f} % of the contrast is left.",
        title=f"{m.title}, {100 * share:.0f} % of the patches shuffled: {left:.0f} % of the contrast is left")


def singular_shares(a: Tensor) -> tuple[Tensor, Tensor]:
    """Cumulative shares of the sum of the singular values of a map (N, S), and of the sum of their squares.

    >>> [x.tolist() for x in singular_shares(torch.diag(torch.tensor([3.0, 1.0])))]
    [[0.75, 1.0], [0.8999999761581421, 1.0]]
    """
    s = torch.linalg.svdvals(a)
    return cumulative_share(s), cumulative_share(s, 2)


def cumulative_figure(factor: float, *, q: Tensor, k: Tensor) -> Any:
    """Cumulative shares of the singular values of softmax attention and of their squares, for scores times a factor."""
    a = (factor * q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)[0, 0]
    plain, energy = singular_shares(a)
    numbers, quarter = list(range(1, len(plain) + 1)), len(plain) // 4
    lines = [growth.Trend("sum of the singular values", "softmax", "softmax", numbers, plain.tolist(), "solid"),
             growth.Trend("sum of their squares (energy)", "linformer", "low-rank", numbers, energy.tolist(), "dot")]
    return growth.trend_lines(
        lines, growth.Axis("k, number of the singular value"), growth.Axis("share in the first k (of 1)"),
        at={"a quarter": quarter},
        title=f"Scores × {factor:g}: a quarter holds {100 * plain[quarter - 1]:.0f} % of the sum, "
              f"{100 * energy[quarter - 1]:.0f} % of the energy")
