"""What chapter 6 draws and counts: a softmax that slides, stencils along edges, more and more agents."""
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ...figures import repainted
from ...grid import Grid
from ...maps import Features, KernelMap, Normaliser
from ...mechanisms import make
from ...spectra import effective_rank

SLIDES = tuple(n / 10 for n in range(11))
AGENTS = (1, 2, 3, 4, 5, 6, 7, 10, 14)   # side of the grid of agents
EDGES, FIRST_EDGE = 8, 6                 # the channels of edges among the descriptors of a photograph
WIDTH, LENGTH = 0.6, 2.5                 # of a stencil along an edge, in patches


def slid_map(slide: float, q: Tensor, k: Tensor) -> KernelMap:
    """Efficient attention whose softmax of the keys goes over positions at 0 and over channels at 1; rows sum to one.

    In between, exp(k_jd) is divided by the sum over positions to the power 1 - slide and the sum over channels to the
    power slide. q (..., N, D), k (..., S, D).

    >>> q, k = torch.rand(2, 1, 1, 5, 3)
    >>> efficient = make("efficient", 1, 3, Grid(X=5)).map(q, k, k).dense()
    >>> torch.allclose(slid_map(0.0, q, k).dense(), efficient, atol=1e-6)
    True
    """
    sums = [k.logsumexp(axis, keepdim=True) for axis in (-2, -1)]
    return KernelMap(Features(q.softmax(-1), (k - (1 - slide) * sums[0] - slide * sums[1]).exp()),
                     Normaliser("add", 0.0))


def contrast_left(painted: Tensor, colours: Tensor) -> float:
    """The contrast of a painted picture (..., N, 3), in percent of the contrast of its patches' colours.

    >>> contrast_left(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [2.0]]))
    50.0
    """
    return (100 * painted.std(-2).mean() / colours.std(-2).mean()).item()


def sliding_figure(slide: float, *, q: Tensor, k: Tensor, colours: Tensor, grid: Grid) -> Any:
    """The photograph repainted with the softmax of the keys between positions and channels, and who is heard."""
    a = slid_map(slide, q, k)
    painted, heard = a.apply(colours), a.column_sums().flatten()
    left = contrast_left(painted, colours)
    return repainted.repainted_picture(
        painted.view(grid.Y, grid.X, 3).numpy(), heard.view(grid.Y, grid.X).numpy(),
        ("the cat, repainted", "weight that a patch gets from all rows"), bar="weight, in rows", top=10.0,
        said=f"The softmax of the keys is {100 * slide:.0f} % on the way from positions to channels. The painting "
             f"keeps {left:.0f} % of the contrast; the patch that is heard most gets the weight of {heard.max():.1f} "
             "rows.", title=f"{100 * slide:.0f} % of the way to channels: {left:.0f} % of the contrast is left")


def edge_stencils(side: int, width: int) -> Tensor:
    """A table of steps, (side^2, width), that makes a stencil along the edges of a patch; zero for other channels.

    Channel n of the edges has a gradient at (n + 1/2) 22.5 degrees, so its bar lies across that direction. The weights
    of a bar sum to zero.

    >>> edge_stencils(3, 16).view(3, 3, 16)[..., 6].sum().abs().item() < 1e-6
    True
    """
    half = side // 2
    dy, dx = (x.flatten().float() for x in torch.meshgrid(*[torch.arange(-half, half + 1)] * 2, indexing="ij"))
    table = torch.zeros(side * side, width)
    for n in range(EDGES):
        angle = math.pi * (n + 0.5) / EDGES
        across, along = dx * math.cos(angle) + dy * math.sin(angle), dy * math.cos(angle) - dx * math.sin(angle)
        bar = (-(across / WIDTH).square() / 2 - (along / LENGTH).square() / 2).exp()
        table[:, FIRST_EDGE + n] = bar - bar.mean()
    return table


def agents_figure(side: float, *, q: Tensor, k: Tensor, colours: Tensor, grid: Grid, query: int) -> Any:
    """The photograph repainted through side x side agents, and the row of one query, in fair shares."""
    m = make("agent", 1, q.shape[-1], grid, value_width=3, agents=int(side)).to(q.dtype).requires_grad_(False)
    a = m.map(q, k, colours)
    painted, row = a.apply(colours), a.rows(torch.tensor([query])).flatten() * a.shape[1]
    left, used, bound = contrast_left(painted, colours), effective_rank(a.singular_values()).item(), int(side) ** 2
    return repainted.repainted_picture(
        painted.view(grid.Y, grid.X, 3).numpy(), row.view(grid.Y, grid.X).numpy(),
        ("the cat, repainted", "the row of one patch"), bar="weight, fair shares", top=20.0,
        said=f"{bound} agents: {left:.0f} % of the contrast is left, and the effective rank of the map is {used:.1f}.",
        title=f"{bound} agents, an effective rank of {used:.1f}: {left:.0f} % of the contrast is left")
