"""Figures of chapter 1: rows at every temperature, and queries for heads that look at neighbours."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...concentration import entropy
from ...figures import curves
from ...grid import Grid
from ...mechanisms import make
from .common import sorted_row

TEMPERATURES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


def softmax_at_temperature(temperature: float, width: int, grid: Grid) -> Any:
    """Softmax attention whose scores q.k / sqrt(D) are divided by a temperature.

    >>> round(softmax_at_temperature(0.5, 16, Grid(X=3)).mechanism.scale, 3)
    0.5
    """
    return make("softmax", heads=1, width=width, grid=grid, scale=1 / (temperature * math.sqrt(width)))


def temperature_figure(temperature: float, *, q: Tensor, k: Tensor, v: Tensor, query: int, grid: Grid) -> Any:
    """The sorted weights of one query at a temperature, beside those at temperature 1."""
    lines = []
    for t in dict.fromkeys((1.0, temperature)):
        a = softmax_at_temperature(t, q.shape[-1], grid).map(q, k, v)
        spec = "softmax" if t == 1.0 else "softmax+gate"  # a gate's dashes distinguish the two lines
        lines.append(curves.Curve(f"temperature {t:g}", spec, "softmax", range(1, a.shape[1] + 1),
                                  sorted_row(a, query)))
    bits = entropy(a.rows(torch.tensor([query]))).item()
    spread = "1 patch" if 2 ** bits < 1.5 else f"{2 ** bits:.0f} patches"
    figure = curves.weight_curves(
        lines, title=f"Temperature {temperature:g}: {bits:.2f} bits, as many as {spread} with equal weights")
    figure.update_yaxes(range=[-3.2, math.log10(len(grid)) + 0.05])  # at a low temperature one key gets all the weight
    return figure


def compass_vectors(grid: Grid, down: float = 0, across: float = 0) -> Tensor:
    """Every patch's place, shifted, on two circles: (1, 1, N, 4) float32. Near places have large products.

    Frames are left out, so this is for a grid of one frame.

    >>> bool(torch.allclose(compass_vectors(Grid(Y=3, X=4)).norm(dim=-1), torch.tensor(2.0).sqrt()))
    True
    """
    place = grid.places()[:, 1:].float() + torch.tensor([down, across])
    angle = place * math.pi / torch.tensor([float(grid.Y), float(grid.X)])
    return torch.cat((angle.cos(), angle.sin()), 1)[None, None]
