"""What chapter 10 counts and draws: points on a circle and their hash, and a row that is found round by round."""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...figures import heat
from ...figures.hash_circle import hash_circle
from ...grid import Grid
from ...mechanisms import Attention

ANGLES = tuple(range(0, 91, 5))
ROUNDS = tuple(range(1, 9))
FRIENDS = (0, 1)


def circle_points(seed: int = 0, apart: float = 20.0, others: int = 22) -> Tensor:
    """Unit vectors in the plane, (2 + others, 2): two friends, `apart` degrees from each other, and others at random.

    >>> x = circle_points(apart=60.0)
    >>> round((x[0] @ x[1]).item(), 3)
    0.5
    """
    drawn = 360 * torch.rand(others, generator=torch.Generator().manual_seed(seed))
    angles = torch.deg2rad(torch.cat((torch.tensor([30.0, 30.0 + apart]), drawn)))
    return torch.stack((angles.cos(), angles.sin()), -1)


def turned_directions(angle: float) -> Tensor:
    """R of the hash: two directions at a right angle, turned by so many degrees, as columns (2, 2).

    >>> turned_directions(0).tolist()
    [[1.0, -0.0], [0.0, 1.0]]
    """
    a = math.radians(angle)
    return torch.tensor([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])


def nearest_directions(x: Tensor, R: Tensor) -> Tensor:
    """The bucket of each vector: the largest of [x R; -x R]. x (N, D), R (D, M) -> (N,) int64.

    >>> nearest_directions(torch.tensor([[0.9, 0.1], [-0.2, -0.9]]), torch.eye(2)).tolist()
    [0, 3]
    """
    return torch.cat((x @ R, -x @ R), -1).argmax(-1)


def circle_figure(angle: float, *, points: Tensor) -> Any:
    """The circle with the directions of the hash turned by an angle; do the two friends share a bucket?"""
    R = turned_directions(angle)
    buckets = nearest_directions(points, R).tolist()
    together = buckets[FRIENDS[0]] == buckets[FRIENDS[1]]
    word = "in the same bucket" if together else "in different buckets"
    directions = torch.cat((R, -R), -1).mT.tolist()
    return hash_circle([(x, y) for x, y in points.tolist()], buckets, [(x, y) for x, y in directions], FRIENDS,
                       said=f"Turned by {angle:g} degrees, the two friends are {word}.",
                       title=f"Turned by {angle:g}°: the two friends are {word}")


def rows_by_round(m: Attention, q: Tensor, v: Tensor, query: int, rounds: Sequence[int] = ROUNDS) -> Tensor:
    """Reformer's row of a query with the first so many of its rounds: (rounds, N). Queries are keys, too.

    >>> from linviz import make
    >>> x = torch.randn(1, 1, 24, 4, generator=torch.Generator().manual_seed(0))
    >>> m = make("reformer", 1, 4, Grid(X=24), rounds=8, chunk=4)
    >>> (rows_by_round(m, x, x, query=3) > 0).sum(-1).diff().min().item() >= 0
    True
    """
    hashes = m.mechanism.hashes(q)  # type: ignore[operator]
    return torch.stack([m.map(q, q, v, buckets=hashes[:, :, :n]).rows(torch.tensor([query]))[0, 0, 0] for n in rounds])


def rounds_figure(rounds: float, *, rows: Tensor, full: Tensor, friend: int, grid: Grid) -> Any:
    """The row of a query after so many rounds beside its row over all keys, in fair shares on one scale."""
    n = int(rounds)
    row = rows[n - 1]
    tables = torch.stack([grid.fold(x[:, None])[0, :, :, 0] for x in (row, full)]) * len(grid)
    top = tables[1].max().item()
    found, seen = full[row > 0].sum().item(), int((row > 0).sum())
    word = "found" if row[friend] > 0 else "missed"
    said = f"After round {n} the query sees {seen} patches, with {100 * found:.0f} % of its weight over all keys; " \
           f"its friend is {word}."
    return heat.patch_panels(tables.clamp(max=top).numpy(), [f"{n} round{'s' * (n > 1)}: {seen} patches", "all keys"],
                             bar="weight, fair shares", top=top, columns=2, said=said,
                             title=f"After {n} round{'s' * (n > 1)} the friend is {word}")
