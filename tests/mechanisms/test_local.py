"""Local windows, pair by pair."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, dot, mixed, single, vectors
from .options import differentiates, holds


def table(q: torch.Tensor, k: torch.Tensor, sees) -> torch.Tensor:
    """Softmax over the pairs that may see each other."""
    a = torch.zeros(len(q), len(k), dtype=torch.float64)
    for i in range(len(q)):
        weights = {j: math.exp(dot(q[i], k[j]) / math.sqrt(D)) for j in range(len(k)) if sees(i, j)}
        for j, w in weights.items():
            a[i, j] = w / sum(weights.values())
    return a


@pytest.mark.parametrize("window", [1, 2, 4, 6, 50])
@pytest.mark.parametrize("causal", [False, True])
def test_definition(window: int, causal: bool) -> None:
    q, k, v = vectors()
    a = table(q, k, lambda i, j: abs(i // window - j // window) <= 1 and (j <= i or not causal))
    m = make("local", 1, D, Grid(X=N), value_width=E, window=window, causal=causal)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_what_holds_for_every_map(causal: bool) -> None:
    holds("local", window=2, causal=causal)
    differentiates("local", window=1, causal=causal)


def test_nearby_is_a_matter_of_reading() -> None:
    """The end of a row and the start of the next are neighbours; the patch straight below may be out of sight."""
    grid = Grid(Y=4, X=6)
    x = torch.randn(1, 1, len(grid), D)
    a = make("local", 1, D, grid, window=2).map(x, x, x).dense()[0, 0]
    assert a[grid.number(0, 0, 5), grid.number(0, 1, 0)] > 0
    assert a[grid.number(0, 0, 2), grid.number(0, 1, 2)] == 0


def test_a_row_a_block_sees_three_rows() -> None:
    grid = Grid(Y=5, X=3)
    x = torch.randn(1, 1, len(grid), D)
    a = make("local", 1, D, grid, window=3).map(x, x, x).dense()[0, 0]
    seen = [{grid.place(j)[1] for j in a[grid.number(0, y, 1)].nonzero().flatten().tolist()} for y in range(5)]
    assert seen == [{0, 1}, {0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4}]


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        make("local", 1, D, Grid(X=N), window=0)
    with pytest.raises(ValueError, match="positions of its tokens: 6 queries on .* got 5 and 5"):
        make("local", 1, D, Grid(X=N)).map(*[torch.randn(1, 1, 5, D)] * 3)
