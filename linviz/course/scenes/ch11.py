"""What chapter 11 draws and counts: a spike on a uniform row, a floor of any height, focused features."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...concentration import effective_tokens, entropy, participation, support
from ...figures import concentration_charts as charts
from ...figures import curves
from ...figures.rebuilt import rebuilt_rows
from ...grid import Grid
from ...maps import Features, KernelMap, Map, Normaliser
from ...mechanisms import Attention, make
from .common import mechanism_curve, sorted_row

SPIKES = tuple(n / 20 for n in range(20))
FLOORS = tuple(n / 20 for n in range(21))
POWERS = (1, 2, 3, 4, 6, 8, 12, 16)
LENGTHS = tuple(2.0**n for n in range(-6, 4))
SHARES = 12.0   # fair shares that have the strongest colour
COUNTS = {"1 / Σa² (participation)": participation, "2^H (effective tokens)": effective_tokens,
          "keys that hold 90 %": support}


def spike_row(share: float, size: int) -> Tensor:
    """A row over `size` keys: the first key holds `share`, and the other keys share the rest equally.

    >>> spike_row(0.5, 3).tolist()
    [0.5, 0.25, 0.25]
    """
    row = torch.full((size,), (1 - share) / (size - 1), dtype=torch.float64)
    row[0] = share
    return row


def patch_counts(row: Tensor) -> dict[str, float]:
    """The number of patches of one row, by each way of counting.

    >>> [round(y) for y in patch_counts(torch.full((4,), 0.25)).values()]
    [4, 4, 4]
    """
    return {name: float(count(row)) for name, count in COUNTS.items()}


def spike_figure(share: float, *, size: int = 784) -> Any:
    """Number of patches, counted in three ways, of a row whose first patch holds `share`."""
    row = spike_row(share, size)
    title = f"One patch holds {100 * share:.0f} %, the other {size - 1} share the rest: {entropy(row):.2f} bits"
    return charts.count_chart([charts.Counts("the row", "uniform", "content-free", patch_counts(row))],
                              most=size, title=title)


def floored_map(q: Tensor, k: Tensor, floor: float) -> KernelMap:
    """The map of phi(x) = relu(x) + floor, whose rows sum to one; q (..., N, D), k (..., S, D).

    >>> floored_map(torch.tensor([[1.0]]), torch.tensor([[1.0], [-1.0]]), 1.0).dense()
    tensor([[0.6667, 0.3333]])
    """
    return KernelMap(Features(q.relu() + floor, k.relu() + floor), Normaliser("add", 0.0))


def floor_figure(floor: float, *, soft: Attention, q: Tensor, k: Tensor, v: Tensor, query: int) -> Any:
    """The sorted weights of one query under softmax, and under relu with a floor of any height."""
    a = floored_map(q, k, floor)
    bits = entropy(a.dense()).mean().item()
    low = curves.Curve(f"relu + {floor:.2f}", "relu_floor", "kernel", range(1, a.shape[1] + 1), sorted_row(a, query))
    return curves.weight_curves([mechanism_curve(soft, sorted_row(soft.map(q, k, v), query)), low],
                                title=f"With a floor of {floor:.2f}: {bits:.2f} bits on average")


def focused_map(power: float, q: Tensor, k: Tensor, v: Tensor, grid: Grid) -> Map:
    """The map of focused attention (FLatten) with any power; q, k, v (B, H, N, D).

    >>> x = torch.rand(1, 1, 6, 4)
    >>> focused_map(3, x, x, x, Grid(Y=2, X=3)).rank_bound
    4
    """
    m = make("focused", heads=q.shape[1], width=q.shape[-1], grid=grid, power=power).requires_grad_(False)
    return m.map(q, k, v)


def power_figure(power: float, *, soft: Attention, q: Tensor, k: Tensor, v: Tensor, query: int) -> Any:
    """The sorted weights of one query under softmax, and under focused attention with any power."""
    a = focused_map(power, q, k, v, soft.grid)
    sharp = curves.Curve(f"focused, p = {power:g}", "focused", "kernel", range(1, a.shape[1] + 1),
                         sorted_row(a, query))
    bits = entropy(a.dense()).mean().item()
    return curves.weight_curves([mechanism_curve(soft, sorted_row(soft.map(q, k, v), query)), sharp],
                                title=f"Power {power:g}: {bits:.2f} bits on average")


def row_composition(q: Tensor, k: Tensor, floors: Sequence[float]) -> Mapping[str, list[float]]:
    """Shares of a row under relu + c, mean over queries, for every c of `floors`: pair, key alone, constant.

    q (N, D), k (S, D). The product of a pair is relu.relu + c sum relu(k_j) + (c sum relu(q_i) + D c^2).

    >>> parts = row_composition(torch.ones(1, 2), torch.ones(3, 2), [0.0, 1.0])
    >>> {name: [round(x, 2) for x in y] for name, y in parts.items()}
    {'the pair': [1.0, 0.25], 'the key alone': [0.0, 0.25], 'the same for all keys': [0.0, 0.5]}
    """
    q, k = q.relu().double(), k.relu().double()
    pair, key = (q @ k.mT).sum(-1), k.sum()
    out: dict[str, list[float]] = {"the pair": [], "the key alone": [], "the same for all keys": []}
    for c in floors:
        each = (pair, (c * key).expand_as(pair), len(k) * (c * q.sum(-1) + q.shape[-1] * c**2))
        for name, x in zip(out, each, strict=True):
            out[name].append((x / sum(each)).mean().item())
    return out


def contrasts(own: float) -> tuple[float, ...]:
    """The slider of a contrast; `own` is z of the query, so that its InLine and MALA have a place on it.

    >>> contrasts(3.0)
    (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 8.0, 16.0)
    """
    return tuple(sorted({0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, own, 1 + own}))


def contrast_row(row: Tensor, contrast: float) -> Tensor:
    """A row (S,) moved away from 1 / S by a factor: 0 is the uniform row, 1 the row itself.

    >>> contrast_row(torch.tensor([0.75, 0.25]), 3.0).tolist()
    [1.25, -0.25]
    """
    return 1 / len(row) + contrast * (row - 1 / len(row))


def contrast_figure(contrast: float, *, row: Tensor, own: float, grid: Grid) -> Any:
    """A row (S,) of linear attention at a contrast; `own` is z of its query."""
    named = {0.0: "uniform attention", 1.0: "linear attention", own: "InLine", 1 + own: "MALA"}
    a = contrast_row(row, contrast)
    title = f"Contrast {contrast:.3g}" + (f", {named[contrast]}" if contrast in named else "")
    below = f"{100 * (a < 0).float().mean():.0f} % of the weights are negative"
    return rebuilt_rows((a * len(a)).view(1, grid.Y, grid.X).numpy(), [below], top=SHARES, title=title)


def length_figure(factor: float, *, methods: Sequence[Attention], q: Tensor, k: Tensor, v: Tensor, query: int) -> Any:
    """The row of one query whose length is multiplied by a factor, under each method; the direction stays."""
    grid = methods[0].grid
    rows = torch.stack([m.map(factor * q, k, v).rows(torch.tensor([query]))[0, 0, 0] for m in methods])
    length = factor * q[0, 0, query].norm().item()
    return rebuilt_rows((rows * rows.shape[1]).view(-1, grid.Y, grid.X).numpy(), [m.title for m in methods],
                        top=SHARES, title=f"A query of length {length:.3g}")
