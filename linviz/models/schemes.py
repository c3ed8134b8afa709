"""Schemes: sequences of layers with small scopes that together cover a clip.

    joint          one layer over everything                                    N pairs per token
    space          one layer inside each frame; time is never seen              Y X
    divided        time, then space: first the same place in all frames         T + Y X
    axial          columns, rows, time: three lines through a token             Y + X + T
    local_global   quarters of the picture through all frames, then every       N / 4 + N / 8
                   second frame, row and column
    hybrid         softmax inside each frame, then a memory that reads the      Y X, and no pairs in the memory
                   clip frame by frame: exact near, remembered far

Each layer has its own weights: x <- x + layer(norm(x)). So divided is not joint attention with a mask: it is
two softmaxes, and its map is a product of two. The memory of a hybrid takes one step per frame: all tokens of a
frame fade, erase and write together, and then all of them read. So a hybrid sees the past and the present frame.

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
from ..mechanisms import REGISTRY, parse
from ..scopes import token_groups
from .layer import AttentionLayer
from .layer_specs import layer_options, layer_specs

FRAMES = "frames"  # a layer of a scheme that is no scope: a memory over the whole clip, one step per frame
SCHEMES = {
    "joint": ("joint",),
    "space": ("space",),
    "divided": ("time", "space"),
    "axial": ("columns", "rows", "time"),
    "local_global": ("quarters", "strided"),
    "hybrid": ("space", FRAMES),
}


class Scheme(nn.Module):
    """The layers of a scheme, each with a norm before and the residual around it: (B, N, C) -> (B, N, C).

    spec names the attention of all layers, or of each (a/b); it may have its own scope only under "joint". Under
    "hybrid" one spec names the memory, and softmax comes before it. Options are those of AttentionLayer, and each
    layer takes those that its mechanism has. Layer n is drawn from seed + n.

    >>> scheme = Scheme("divided", "softmax", heads=2, channels=16, grid=Grid(T=3, Y=4, X=4))
    >>> x = torch.rand(1, 48, 16)
    >>> scheme(x).shape, [layer.attention.spec for layer in scheme.layers]
    (torch.Size([1, 48, 16]), ['softmax@time', 'softmax@space'])
    """

    def __init__(self, scheme: str, spec: str, heads: int, channels: int, grid: Grid, seed: int = 0,
                 **options: Any) -> None:
        super().__init__()
        self.scheme, specs = scheme, scoped_specs(scheme, spec)
        self.layers = nn.ModuleList(
            AttentionLayer(one, heads, channels, grid, seed=seed + n, **own)
            for n, (one, own) in enumerate(zip(specs, scoped_options(scheme, specs, options), strict=True)))
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


def scheme_scopes(scheme: str) -> tuple[str, ...]:
    """The scopes of a scheme's layers, in their order; "frames" stands for a memory that reads frame by frame.

    >>> scheme_scopes("axial")
    ('columns', 'rows', 'time')
    """
    if scheme not in SCHEMES:
        raise ValueError(f"no scheme called {scheme!r}; there are: {', '.join(SCHEMES)}")
    return SCHEMES[scheme]


def scoped_specs(scheme: str, spec: str) -> tuple[str, ...]:
    """The attention of each layer of a scheme, with its scope. ValueError for a spec with a scope of its own.

    >>> scoped_specs("divided", "softmax/relu"), scoped_specs("hybrid", "gated_delta")
    (('softmax@time', 'relu@space'), ('softmax@space', 'gated_delta'))
    """
    scopes = scheme_scopes(scheme)
    parts = layer_specs(spec, len(scopes))
    if scheme == "joint":
        return parts
    if scoped := [part for part in parts if parse(part).scope != "joint"]:
        raise ValueError(f"a scheme sets the scopes itself; leave out @{parse(scoped[0]).scope} in {spec!r}")
    if scheme == "hybrid":
        parts = (parts[0] if "/" in spec else "softmax", parts[1])
        _check_memory(parts[1])
    return tuple(part if scope == FRAMES else f"{part}@{scope}" for part, scope in zip(parts, scopes, strict=True))


def _check_memory(spec: str) -> None:
    """ValueError, in one sentence, for an attention that cannot scan frames."""
    there = [name for name, kind in REGISTRY.items() if FRAMES in getattr(kind, "scans", ())]
    if parse(spec).name not in there:
        raise ValueError(f"the second layer of a hybrid is a memory that scans frames, and {spec!r} is none; there "
                         f"are: {', '.join(sorted(there))}")


def scoped_options(scheme: str, specs: tuple[str, ...], options: dict[str, Any]) -> list[dict[str, Any]]:
    """The options of each layer of a scheme: those that its mechanism has, and a memory scans frames."""
    if scheme == "hybrid" and "scan" in options:
        raise ValueError("the memory of a hybrid scans frames; leave out scan")
    scans = [{"scan": FRAMES} if scope == FRAMES else {} for scope in scheme_scopes(scheme)]
    return [own | scan for own, scan in zip(layer_options(specs, options), scans, strict=True)]


def count_pairs(scheme: str, grid: Grid) -> int:
    """How many pairs of query and key the layers of a scheme compute in total. ValueError for a hybrid: a memory
    computes no pairs.

    >>> count_pairs("joint", Grid(T=8, Y=14, X=14)), count_pairs("divided", Grid(T=8, Y=14, X=14))
    (2458624, 319872)
    """
    if scheme == "hybrid":
        raise ValueError("the memory of a hybrid computes no pairs; count its operations with linviz.cost.flops while "
                         "it runs")
    boxes = [g for scope in scheme_scopes(scheme) for g in token_groups(grid, scope)]
    return sum(len(g.queries) * g.queries.shape[1] * g.keys.shape[1] for g in boxes)


def visible_pairs(scheme: str, grid: Grid) -> list[Tensor]:
    """Which key each query sees, one table per layer: (N, N) bool, rows are queries."""
    return [_earlier_frames(grid) if scope == FRAMES else _shared_boxes(grid, scope)
            for scope in scheme_scopes(scheme)]


def _shared_boxes(grid: Grid, scope: str) -> Tensor:
    table = torch.zeros(len(grid), len(grid), dtype=torch.bool)
    for g in token_groups(grid, scope):
        table[g.queries[:, :, None], g.keys[:, None, :]] = True
    return table


def _earlier_frames(grid: Grid) -> Tensor:
    """Every token sees those of its own frame and of earlier ones."""
    if grid.prefix:
        raise ValueError("a memory over frames has no frame for the prefix tokens of the grid; take a grid without")
    frames = torch.arange(grid.T).repeat_interleave(grid.Y * grid.X)
    return frames[:, None] >= frames
