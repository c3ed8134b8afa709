"""Agent attention, pair by pair; that a row hangs on all queries; that both factors sharpen."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, inner, mixed, single, vectors
from .options import differentiates, holds

GRID = Grid(T=2, Y=3, X=2, prefix=1)
N = len(GRID)


def shares(scores: list[float]) -> list[float]:
    weights = [math.exp(s - max(scores)) for s in scores]
    return [w / sum(weights) for w in weights]


def pooled(q: list[list[float]], side: int) -> list[list[float]]:
    """Means over parts of the picture, as adaptive pooling cuts them, and over both frames."""
    rows, columns = min(side, 3), min(side, 2)
    agents = []
    for n in range(rows):
        for m in range(columns):
            down = range(n * 3 // rows, -(-(n + 1) * 3 // rows))
            across = range(m * 2 // columns, -(-(m + 1) * 2 // columns))
            part = [q[1 + (t * 3 + y) * 2 + x] for t in range(2) for y in down for x in across]
            agents.append([sum(token[c] for token in part) / len(part) for c in range(D)])
    return agents


@pytest.mark.parametrize("side", [1, 2, 7])
def test_definition(side: int) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(N, w, generator=generator, dtype=torch.float64) for w in (D, D, E))
    m = make("agent", 1, D, GRID, value_width=E, agents=side).double()
    torch.nn.init.normal_(m.mechanism.b, generator=generator)
    torch.nn.init.normal_(m.mechanism.c, generator=generator)
    b, c = m.mechanism.b[0].tolist(), m.mechanism.c[0].tolist()
    agents = pooled(q.tolist(), side)
    found = [shares([inner(x, y) / math.sqrt(D) + c[n][j] for j, y in enumerate(k.tolist())])
             for n, x in enumerate(agents)]
    a = torch.zeros(N, N, dtype=torch.float64)
    for i, x in enumerate(q.tolist()):
        listens = shares([inner(x, y) / math.sqrt(D) + b[i][n] for n, y in enumerate(agents)])
        for j in range(N):
            a[i, j] = sum(listens[n] * found[n][j] for n in range(len(agents)))
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"agents": 2}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("agent", **options)
    holds("agent+conv", **options)
    differentiates("agent", **options)


def test_a_row_changes_when_another_query_changes() -> None:
    q, k, v = single(*vectors())
    m = make("agent", 1, D, Grid(Y=2, X=3), value_width=E, agents=1)
    before = m.map(q, k, v).dense()[0, 0, 0]
    q[..., 5, :] += 3
    assert not torch.allclose(m.map(q, k, v).dense()[0, 0, 0], before, atol=1e-3)


def test_longer_queries_sharpen_both_factors() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    m = make("agent", 1, 8, Grid(Y=6, X=6), agents=3)
    readings = [read(m, s * q, k, v) for s in (0.25, 1, 4, 16)]
    bits = [r.entropy.mean().item() for r in readings]
    assert bits == sorted(bits, reverse=True) and bits[0] - bits[-1] > 2
    assert all(r.numerical_rank.item() <= 9 for r in readings) and readings[0].map.rank_bound == 9


def test_tables_are_cut_to_smaller_boxes() -> None:
    m = make("agent@window:3", 1, D, Grid(Y=4, X=5), agents=2)
    assert m.mechanism.b.shape == (1, 9, 4) and m.map(*torch.randn(3, 1, 1, 20, D)).shape == (20, 20)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="at least 1; got 0"):
        make("agent", 1, D, GRID, agents=0)
