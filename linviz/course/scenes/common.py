"""Figures under the chapters' sliders: plain functions from a setting to a figure, tested for every setting."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...cost import cost_growth
from ...figures import curves
from ...grid import Grid
from ...maps import Features, KernelMap, Map
from ...mechanisms import Attention
from ...mechanisms.base import Kernel

STRENGTHS = tuple(n / 20 for n in range(21))


def map_at_strength(m: Attention, q: Tensor, k: Tensor, v: Tensor, strength: float) -> KernelMap:
    """The map of a gated kernel with its gate at a strength: ratios sigmoid(strength z), 0 un-gated, 1 the gate itself.

    >>> from linviz import Grid, make
    >>> x = torch.rand(1, 1, 9, 4)
    >>> m, plain = (make(s, 1, 4, Grid(Y=3, X=3)) for s in ("relu_floor+gate", "relu_floor"))
    >>> torch.allclose(map_at_strength(m, x, x, x, 0.0).dense(), plain.map(x, x, x).dense(), atol=1e-5)
    True
    """
    kernel = m.mechanism
    if m.gate is None or not isinstance(kernel, Kernel):
        raise ValueError(f"{m.spec} has no gate, so its strength cannot be set; add +gate")
    with torch.no_grad():
        phi_q, phi_k, v = m.features(q, k, v)
        z_q, z_k = m.gate.logits(phi_q, phi_k, v)
        return KernelMap(Features(phi_q, phi_k, strength * z_q, strength * z_k), kernel.normaliser)


def sorted_row(a: Map, query: int) -> list[float]:
    """One row of a map, largest weight first, in fair shares: 1 is what uniform attention gives.

    >>> from linviz.maps import Dense
    >>> sorted_row(Dense(torch.tensor([[0.25, 0.75]])), 0)
    [1.5, 0.5]
    """
    row = a.rows(torch.tensor([query])).flatten(0, -2)[0]
    out: list[float] = (row / row.sum() * row.numel()).sort(descending=True).values.tolist()
    return out


def mechanism_curve(m: Attention, y: Sequence[float], x: Sequence[float] | None = None,
                    title: str = "") -> curves.Curve:
    """A line in the colours of a mechanism: y over x, or over 1, 2, ... for singular values and sorted weights."""
    return curves.Curve(title or m.title, m.spec, m.family, x if x is not None else list(range(1, len(y) + 1)), y)


def ablation_runs(title: str, m: Attention, values: Sequence[float]) -> curves.Dots:
    """The runs of one variant of an ablation, with their mean, in the colours of a mechanism.

    >>> from linviz import Grid, make
    >>> ablation_runs("seeds", make("relu_floor+gate", 1, 4, Grid(Y=3, X=3)), [0.3, 0.4]).mean
    0.35
    """
    return curves.Dots(title, m.spec, m.family, values, sum(values) / len(values))


def strength_figure(strength: float, *, m: Attention, others: Sequence[Attention], q: Tensor, k: Tensor, v: Tensor,
                    query: int) -> Any:
    """The sorted weights of one query: `others` as they are, and the gated `m` with its gate at a strength."""
    gated = sorted_row(map_at_strength(m, q, k, v, strength), query)
    return curves.weight_curves([*(mechanism_curve(o, sorted_row(o.map(q, k, v), query)) for o in others),
                                 mechanism_curve(m, gated, title=f"{m.title}, strength {strength:.2f}")])


def costs_and_ranks(methods: Iterable[Attention], small: Grid, large: Grid) -> list[list[str]]:
    """The rows of a table: title, cost of a head, how the cost grows from the small grid to the large one, rank.

    >>> from linviz import make
    >>> costs_and_ranks([make("linear", 1, 4, Grid(Y=3, X=3))], Grid(Y=7, X=7), Grid(Y=14, X=14))
    [['linear (elu + 1)', 'N D E', '× 4', 'D']]
    """
    return [[m.title, cost, f"× {cost_growth(cost, small, large):.0f}", m.mechanism.rank]
            for m in methods for cost in [m.mechanism.cost]]
