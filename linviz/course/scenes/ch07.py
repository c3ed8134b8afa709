"""What chapter 7 draws and counts: random features and their errors, redrawn maps, a leak from the future."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...figures import growth, repainted
from ...grid import Grid
from ...mechanisms import Attention, make

LENGTHS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)      # factors of queries and keys
COUNTS = (8, 16, 32, 64, 128, 256)                 # directions
SEEDS = tuple(range(10))
FACTORS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)      # of the last key
KINDS = {"positive, orthogonal": ("positive", True), "positive, independent": ("positive", False),
         "trigonometric, orthogonal": ("trigonometric", True), "trigonometric, independent": ("trigonometric", False)}
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def random_features(kind: str, grid: Grid, width: int, directions: int, seed: int = 0, orthogonal: bool = True,
                    value_width: int | None = None) -> Attention:
    """A Performer without a floor under its features, for one head.

    >>> random_features("trigonometric", Grid(X=3), 4, directions=5).title
    'Performer'
    """
    options: dict[str, Any] = {"floor": 0.0} if kind == "positive" else {}
    return make("performer", 1, width, grid, seed=seed, kind=kind, directions=directions, orthogonal=orthogonal,
                value_width=value_width or width, **options)


def map_error(found: Tensor, target: Tensor) -> float:
    """The size of the difference of two maps, relative to the target (Frobenius norms).

    >>> map_error(torch.zeros(2, 2), torch.eye(2))
    1.0
    """
    return ((found - target).norm() / target.norm()).item()


def median_error(kind: str, orthogonal: bool, directions: int, q: Tensor, k: Tensor, target: Tensor,
                 draws: int = 7) -> float:
    """The median error of some draws; q, k (1, 1, N, D), target (N, N) the map of softmax."""
    m = random_features(kind, Grid(X=q.shape[-2]), q.shape[-1], directions, orthogonal=orthogonal).to(q.dtype)
    errors = []
    for seed in range(draws):
        m.redraw(seed)
        errors.append(map_error(m.map(q, k, q).dense()[0, 0], target))
    return sorted(errors)[draws // 2]


def error_figure(length: float, *, q: Tensor, k: Tensor, counts: Sequence[int] = COUNTS) -> Any:
    """The error of four kinds of random features over the number of directions, for queries and keys times `length`."""
    q, k = length * q, length * k
    target = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)[0, 0]
    lines = []
    for title, (kind, orthogonal) in KINDS.items():
        errors = [median_error(kind, orthogonal, M, q, k, target) for M in counts]
        spec, family = ("performer", "kernel") if kind == "positive" else ("softmax", "softmax")
        lines.append(growth.Trend(title, spec, family, counts, errors, "solid" if orthogonal else "dot"))
    best = min(lines, key=lambda line: line.y[-1]).title
    return growth.trend_lines(lines, growth.Axis("random directions M", log=True),
                              growth.Axis("error of the map (relative to softmax)", log=True),
                              levels={"as bad as no map at all": 1.0},
                              title=f"Queries and keys × {length:.1f}: at {counts[-1]} directions best is {best}")


def redrawn_figure(seed: float, *, q: Tensor, k: Tensor, colours: Tensor, grid: Grid, query: int,
                   directions: int = 64) -> Any:
    """The photograph repainted by one draw of positive random features, and the row of one query, in fair shares."""
    m = random_features("positive", grid, q.shape[-1], directions, value_width=3).to(q.dtype)
    m.redraw(int(seed))
    a = m.map(q, k, colours)
    row = a.rows(torch.tensor([query])).flatten() * len(grid)
    most = grid.place(int(row.argmax()))
    return repainted.repainted_picture(
        a.apply(colours).view(grid.Y, grid.X, 3).numpy(), row.view(grid.Y, grid.X).numpy(),
        ("the picture, repainted", "the row of one patch"), bar="weight, fair shares", top=10.0,
        said=f"Draw {seed:.0f}: this query looks most at row {most[1] + 1}, column {most[2] + 1}, with "
             f"{row.max():.1f} fair shares.", title=f"Draw {seed:.0f} of {directions} directions: another map")


def leaked_change(attend: Attend, q: Tensor, k: Tensor, v: Tensor, factor: float) -> Tensor:
    """How much every output changes, at most over channels, when the last key is multiplied: (N,). q, k (N, D).

    >>> x = torch.ones(3, 2)
    >>> leaked_change(lambda q, k, v: k.cumsum(0), x, x, x, 2.0).tolist()
    [0.0, 0.0, 1.0]
    """
    loud = k.clone()
    loud[-1] *= factor
    return (attend(q, loud, v) - attend(q, k, v)).abs().amax(-1)


def leak_figure(factor: float, *, leaks: Attend, honest: Attend, q: Tensor, k: Tensor, v: Tensor) -> Any:
    """The change of every output of a leaking and of an honest attention when the last key is multiplied."""
    changes = {"one maximum for all keys": leaked_change(leaks, q, k, v, factor),
               "no maximum for keys": leaked_change(honest, q, k, v, factor)}
    tokens = list(range(1, len(q) + 1))
    lines = [growth.Trend(title, spec, "kernel", tokens, x.tolist(), dash)
             for (title, x), spec, dash in zip(changes.items(), ("performer", "relu"), ("solid", "dot"), strict=True)]
    early = changes["one maximum for all keys"][:-1].max()
    return growth.trend_lines(lines, growth.Axis("token, in the order of time"),
                              growth.Axis("largest change of its output (in units of v)"),
                              title=f"The last key × {factor:.1f} changes an earlier output by up to {early:.2f}")
