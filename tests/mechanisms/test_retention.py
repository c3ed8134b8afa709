"""Retention, pair by pair, with its three kinds of slopes; half-lives; every order of the tokens."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, inner, mixed, single, turned, vectors
from .memories import ORDERS, keeps_its_order, steps
from .options import differentiates, holds

GRID = Grid(T=2, Y=1, X=3)


@pytest.mark.parametrize("scan", ["raster", "frames"])
@pytest.mark.parametrize("slopes", ["retention", "lightning", "minimax"])
def test_definition(slopes: str, scan: str) -> None:
    q, k, v = vectors()
    a = torch.zeros(2, N, N, dtype=torch.float64)
    for h in range(2):
        slope = 2 ** (-8 * (h + 1) / 2)
        gamma = {"retention": 1 - 2 ** (-5 - h), "lightning": math.exp(-slope),
                 "minimax": math.exp(-slope * (1 - 3 / (4 - 1 + 1e-5) + 1e-5))}[slopes]
        for i in range(N):
            for j in range(N):
                t, s = (i, j) if scan == "raster" else (i // 3, j // 3)
                left, right = q[i].tolist(), k[j].tolist()
                if slopes == "retention":
                    left, right = turned(left, [t, t / 10_000]), turned(right, [s, s / 10_000])
                if s <= t:
                    a[h, i, j] = (D ** -0.5 if slopes == "retention" else 1) * gamma ** (t - s) * inner(left, right)
    m = make("retention", 2, D, GRID, value_width=E, slopes=slopes, scan=scan, layer=3, layers=4)
    q, k, v = (x.expand(-1, 2, -1, -1) for x in single(q, k, v))
    assert torch.allclose(m.map(q, k, v).dense()[0], a, atol=1e-12)
    assert torch.allclose(m(q, k, v)[0, 1], mixed(a[1], v[0, 1]), atol=1e-12)


def test_a_rate_may_be_given() -> None:
    """log 0 forgets everything at once: every token sees itself alone."""
    q, k, v = single(*vectors())
    m = make("retention", 1, D, GRID, value_width=E, rotate=False)
    alone = m.map(q, k, v, log_decay=torch.tensor([-math.inf])).dense()
    assert torch.allclose(alone[0, 0], ((q * k).sum(-1)[0, 0] * D ** -0.5).diag(), atol=1e-15)
    half = m.map(q, k, v, log_decay=torch.full((1, 1, N), math.log(0.5))).dense()
    assert half[0, 0, 5, 2].item() == pytest.approx(D ** -0.5 / 8 * (q[0, 0, 5] @ k[0, 0, 2]).item())


def test_equal_keys_are_a_moving_average() -> None:
    x = torch.ones(1, 8, 100, 1, dtype=torch.float64)
    a = make("retention", 8, 1, Grid(X=100), rotate=False).map(x, x, x).dense()[0, :, -1].flip(-1)
    for h, tokens in enumerate((22, 44, 88)):
        assert a[h, tokens].item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("scan", ORDERS)
def test_order(scan: str) -> None:
    holds("retention", scan=scan, **({"grids": (Grid(), Grid(T=2, Y=3, X=3))} if scan == "frames" else {}))
    differentiates("retention", scan=scan)
    keeps_its_order("retention", scan)


@pytest.mark.parametrize("slopes", ["retention", "lightning", "minimax"])
def test_step_by_step(slopes: str) -> None:
    for scan in ("raster", "columns", "frames"):
        steps("retention", scan=scan, slopes=slopes)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="slopes is one of retention, lightning, minimax"):
        make("retention", 1, D, GRID, slopes="steep")
    with pytest.raises(ValueError, match="causal in the order of its scan; leave out causal=True"):
        make("retention", 1, D, GRID, causal=True)
    q, k, v = single(*vectors())
    with pytest.raises(ValueError, match="at most 0; got 0.5"):
        make("retention", 1, D, GRID, value_width=E).map(q, k, v, log_decay=torch.tensor([0.5]))
    with pytest.raises(ValueError, match=r"one number per head, \(1,\), or \(1, 1, 6\); got \(3,\)"):
        make("retention", 1, D, GRID, value_width=E).map(q, k, v, log_decay=torch.zeros(3))
