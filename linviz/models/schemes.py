"""Schemes: sequences of layers with small scopes that together cover a clip.

    joint          one layer over everything                                    N pairs per token
    space          one layer inside each frame; time is never seen              Y X
    divided        time, then space: first the same place in all frames         T + Y X
    axial          columns, rows, time: three lines through a token             Y + X + T
    local_global   quarters of the picture through all frames, then every       N / 4 + N / 8
                   second frame, row and column

Each layer has its own weights: x <- x + layer(norm(x)). So divided is not joint attention with a mask: it is
two softmaxes, and its map is a product of two.

Bertasius, Wang and Torresani, "Is Space-Time Attention All You Need for Video Understanding?", 2021, arXiv
2102.05095. Written from the definitions. Prefix tokens take part in every layer here and get the mean of
their rows; the authors' code leaves its CLS token out of the layer in time. The local step of the paper is
a neighbourhood of Y/2 x X/2 through all frames; here the picture is cut into four, so that it is a scope.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ..grid import Grid
from ..maps import Map
from ..mechanisms import parse
from ..scopes import token_groups
from .layer import AttentionLayer

SCHEMES = {
    "joint": ("joint",),
    "space": ("space",),
    "divided": ("time", "space"),
    "axial": ("columns", "rows", "time"),
    "local_global": ("quarters", "strided"),
}


class Scheme(nn.Module):
    """The layers of a scheme, each with a norm before and the residual around it: (B, N, C) -> (B, N, C).

    spec names the attention; it may have its own scope only under "joint". Options are those of
    AttentionLayer. Layer n is drawn from seed + n.

    >>> scheme = Scheme("divided", "softmax", heads=2, channels=16, grid=Grid(T=3, Y=4, X=4))
    >>> x = torch.rand(1, 48, 16)
    >>> scheme(x).shape, [layer.attention.spec for layer in scheme.layers]
    (torch.Size([1, 48, 16]), ['softmax@time', 'softmax@space'])
    """

    def __init__(self, scheme: str, spec: str, heads: int, channels: int, grid: Grid, seed: int = 0,
                 **options: Any) -> None:
        super().__init__()
        self.scheme = scheme
        specs = [spec if scope == "joint" else f"{spec}@{scope}" for scope in scheme_scopes(scheme, spec)]
        self.layers = nn.ModuleList(AttentionLayer(s, heads, channels, grid, seed=seed + n, **options)
                                    for n, s in enumerate(specs))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in specs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply every layer in order."""
        for layer, norm in self.steps():
            x = x + layer(norm(x))
        return x

    def steps(self) -> Iterator[tuple[AttentionLayer, nn.LayerNorm]]:
        """Every layer with the norm before it."""
        yield from zip(self.layers, self.norms, strict=True)

    def maps(self, x: Tensor) -> list[Map]:
        """The map of every layer, each for the output of the layers before it."""
        out = []
        for layer, norm in self.steps():
            out.append(layer.map(norm(x)))
            x = x + layer(norm(x))
        return out


def scheme_scopes(scheme: str, spec: str = "softmax") -> tuple[str, ...]:
    """The scopes of a scheme's layers, in their order.

    >>> scheme_scopes("axial")
    ('columns', 'rows', 'time')
    """
    if scheme not in SCHEMES:
        raise ValueError(f"no scheme called {scheme!r}; there are: {', '.join(SCHEMES)}")
    if scheme != "joint" and parse(spec).scope != "joint":
        raise ValueError(f"a scheme sets the scopes itself; leave out @{parse(spec).scope} in {spec!r}")
    return SCHEMES[scheme]


def count_pairs(scheme: str, grid: Grid) -> int:
    """How many pairs of query and key the layers of a scheme compute in total.

    >>> count_pairs("joint", Grid(T=8, Y=14, X=14)), count_pairs("divided", Grid(T=8, Y=14, X=14))
    (2458624, 319872)
    """
    boxes = [g for scope in scheme_scopes(scheme) for g in token_groups(grid, scope)]
    return sum(len(g.queries) * g.queries.shape[1] * g.keys.shape[1] for g in boxes)


def visible_pairs(scheme: str, grid: Grid) -> list[Tensor]:
    """Which key each query sees, one table per layer: (N, N) bool, rows are queries."""
    tables = []
    for scope in scheme_scopes(scheme):
        table = torch.zeros(len(grid), len(grid), dtype=torch.bool)
        for g in token_groups(grid, scope):
            table[g.queries[:, :, None], g.keys[:, None, :]] = True
        tables.append(table)
    return tables
