"""Kronecker attention, KV form: line by line."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, dot, mixed, single, vectors
from .options import differentiates, holds

PICTURE, CLIP = Grid(Y=2, X=3), Grid(T=3, Y=1, X=2)


def lines(grid: Grid) -> list[list[int]]:
    """The tokens on every line: frames of a clip, rows, columns."""
    axes = (0, 1, 2) if grid.T > 1 else (1, 2)
    sizes = (grid.T, grid.Y, grid.X)
    return [[i for i in range(len(grid)) if grid.place(i)[axis] == at] for axis in axes for at in range(sizes[axis])]


def mean(x: torch.Tensor, line: list[int]) -> torch.Tensor:
    total = torch.zeros(x.shape[1], dtype=torch.float64)
    for i in line:
        total += x[i]
    return total / len(line)


@pytest.mark.parametrize("grid", [PICTURE, CLIP], ids=str)
def test_definition(grid: Grid) -> None:
    q, k, v = vectors()
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        weights = [math.exp(dot(q[i], mean(k, line))) for line in lines(grid)]
        for w, line in zip(weights, lines(grid), strict=True):
            for j in line:
                a[i, j] += w / sum(weights) / len(line)
    m = make("kronecker_kv", 1, D, grid, value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_what_holds_for_every_map() -> None:
    holds("kronecker_kv")
    holds("kronecker_kv", grids=(Grid(Y=2, X=3), Grid(T=2, X=2)), key_grid=Grid(T=2, Y=2, X=4))
    differentiates("kronecker_kv")


def random(grid: Grid, D: int = 16) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, 1, len(grid), D, generator=generator, dtype=torch.float64) for _ in range(3)]


@pytest.mark.parametrize("name", ["kronecker_kv", "kronecker_qkv"])
@pytest.mark.parametrize(("grid", "rank"), [(Grid(Y=4, X=4), 7), (Grid(Y=5, X=7), 11), (Grid(T=3, Y=4, X=5), 10)])
def test_lines_depend_on_each_other(name: str, grid: Grid, rank: int) -> None:
    """Y + X - 1, and T + Y + X - 2 for a clip: each axis has the mean of all in it."""
    r = read(make(name, 1, 16, grid), *random(grid))
    assert r.numerical_rank.item() == rank == r.map.rank_bound


@pytest.mark.parametrize("name", ["kronecker_kv", "kronecker_qkv"])
def test_every_row_is_plaid(name: str) -> None:
    """Something for the row plus something for the column: mixed second differences are nothing."""
    grid = Grid(Y=4, X=5)
    plaid = make(name, 1, 16, grid).map(*random(grid)).dense().view(20, 4, 5)
    assert (plaid.diff(dim=1).diff(dim=2)).abs().max() < 1e-14 < plaid.diff(dim=1).abs().max()


def test_a_prefix_token_is_a_line_of_its_own() -> None:
    grid = Grid(Y=2, X=3, prefix=1)
    q, k, v = random(grid)
    row = make("kronecker_kv", 1, 16, grid).map(q, k, v).dense()[0, 0, 3]
    shifted = [[1 + i for i in line] for line in lines(PICTURE)]
    scores = torch.stack([q[0, 0, 3] @ mean(k[0, 0], line) for line in [[0], *shifted]])
    assert torch.allclose(row[0], scores.softmax(-1)[0])
