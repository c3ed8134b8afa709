"""DeltaNet, step by step in plain loops; its exact map; what erasing does to weights; how far beta may go."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, dot, identity, remembered, sigmoid, single, unit, vectors
from .memories import ORDERS, has_no_step, keeps_its_order, refuses_a_prefix, steps
from .options import differentiates, holds

GRID = Grid(T=2, Y=1, X=3)
ROOT = D ** -0.5


@pytest.mark.parametrize("scan", ["raster", "frames"])
@pytest.mark.parametrize("given", [True, False])
def test_definition(given: bool, scan: str) -> None:
    q, k, v = vectors()
    m = make("delta", 1, D, GRID, value_width=E, scan=scan).double()
    beta = [0.3 * (i + 1) for i in range(N)] if given else [sigmoid(dot(x, m.mechanism.write[0, :, 0])) for x in k]
    each = 1 if scan == "raster" else 3
    left = [[ROOT * x for x in unit(row)] for row in q.tolist()]
    right = [[x * each ** -0.5 for x in unit(row)] for row in k.tolist()]
    context = {"beta": torch.tensor(beta, dtype=torch.float64)[None, None]} if given else {}
    fades = [[1.0] * D] * N
    o = remembered(left, right, v.tolist(), fades, beta, erase=1.0, each=each)
    a = remembered(left, right, identity(N), fades, beta, erase=1.0, each=each)
    assert torch.allclose(m(*single(q, k, v), **context)[0, 0], o, atol=1e-12)
    assert torch.allclose(m.map(*single(q, k, v), **context).dense()[0, 0], a, atol=1e-12)


def test_the_map_is_the_boxed_formula() -> None:
    q, k, v = single(*vectors())
    beta = torch.linspace(0.2, 2, N, dtype=torch.float64)
    m = make("delta", 1, D, GRID, value_width=E)
    a = m.double().map(q, k, v, beta=beta[None, None]).dense()[0, 0]
    q, k = (x[0, 0] / (x[0, 0].square().sum(-1, keepdim=True) + 1e-6).sqrt() for x in (q, k))
    P, R, B = (q @ k.mT * ROOT).tril(), (k @ k.mT).tril(-1), beta.diag()
    assert torch.allclose(a, P @ torch.linalg.inv(torch.eye(N, dtype=torch.float64) + B @ R) @ B, atol=1e-12)


def given_keys(q: list[list[float]], k: list[list[float]], beta: float) -> list[list[float]]:
    """The map for keys as given, without D^-1/2."""
    q, k = (torch.tensor(x, dtype=torch.float64)[None, None] for x in (q, k))
    m = make("delta", 1, q.shape[-1], Grid(X=q.shape[-2]), unit=False, scale=1.0).double()
    return m.map(q, k, k, beta=torch.full(q.shape[:-1], beta)).dense()[0, 0].tolist()


def test_an_overwritten_key_has_a_negative_weight() -> None:
    """Two keys at 60 degrees, a query that only the newer key answers: minus the older value comes back."""
    turn = [0.5, math.sqrt(0.75)]
    row = given_keys([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], turn], 1.0)[1]
    assert row == pytest.approx([-0.5 * turn[1], turn[1]])
    assert given_keys([turn] * 2, [[1.0, 0.0], turn], 1.0)[1] == pytest.approx([0, 1])


@pytest.mark.parametrize("beta, row", [(0.5, [0.125, 0.25, 0.5]), (1.0, [0, 0, 1]), (1.5, [0.375, -0.75, 1.5]),
                                       (2.0, [2, -2, 2])])
def test_the_same_key_three_times(beta: float, row: list[float]) -> None:
    assert given_keys([[1.0, 0.0]] * 3, [[1.0, 0.0]] * 3, beta)[2] == pytest.approx(row, abs=1e-12)


def test_what_was_just_written_is_just_read() -> None:
    x = torch.randn(1, 2, 30, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    m = make("delta", 2, 16, Grid(X=30), scale=1.0)
    a = m.double().map(x, x, x, beta=torch.ones(1, 2, 30)).dense()
    assert torch.allclose(a, torch.eye(30, dtype=torch.float64).expand_as(a), atol=1e-6)


def test_half_of_the_triangle_is_negative_even_where_all_products_are_positive() -> None:
    q, k, v = torch.rand(3, 1, 1, 100, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    m = make("delta", 1, 16, Grid(Y=10, X=10)).double()
    below = torch.ones(100, 100).tril(-1).bool()
    assert 0.4 < (m.map(q, k, v).dense()[0, 0][below] < 0).double().mean() < 0.6
    with pytest.raises(ValueError, match="negative|signed"):
        read(m, q, k, v).entropy  # noqa: B018


def test_beta_times_the_square_of_a_key_stays_within_two() -> None:
    q, k, v = single(*vectors())
    m = make("delta", 1, D, GRID, value_width=E, unit=False).double()
    with pytest.raises(ValueError, match=r"beta \|k\|\^2 reaches .*, and beyond 2"):
        m.map(q, 3 * k, v)
    with pytest.raises(ValueError, match="beta .* reaches 2.1"):
        make("delta", 1, D, GRID, value_width=E).double().map(q, k, v, beta=torch.full((1, 1, N), 2.1))
    long = torch.randn(3, 1, 1, 500, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for scan, grid in (("raster", Grid(X=500)), ("frames", Grid(T=20, Y=5, X=5))):
        a = make("delta", 1, 16, grid, scan=scan).double().map(*long, beta=torch.full((1, 1, 500), 2.0))
        assert a.dense().abs().max() <= 2 * 0.25 + 1e-9  # |A_ij| <= beta |q| |k| D^-1/2


def test_the_tokens_of_a_frame_have_no_order() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 24, 4, generator=generator, dtype=torch.float64)
    m = make("delta", 1, 4, Grid(T=4, Y=2, X=3), scan="frames").double()
    order = torch.cat([6 * t + torch.randperm(6, generator=generator) for t in range(4)])
    mixed_up = m.map(*(x[..., order, :] for x in (q, k, v))).dense()
    assert torch.allclose(mixed_up, m.map(q, k, v).dense()[..., order, :][..., order], atol=1e-12)


@pytest.mark.parametrize("scan", ORDERS)
def test_order(scan: str) -> None:
    holds("delta", scan=scan, **({"grids": (Grid(), Grid(T=2, Y=3, X=3))} if scan == "frames" else {}))
    differentiates("delta", scan=scan)
    keeps_its_order("delta", scan)


def test_step_by_step() -> None:
    for scan in ("raster", "columns", "frames"):
        steps("delta", scan=scan)
    has_no_step("delta", "both")
    refuses_a_prefix("delta")


def test_it_says_its_order_and_not_that_it_is_not_causal() -> None:
    words = repr(make("delta", 1, D, GRID, scan="frames"))
    assert "scan='frames'" in words and "not causal" not in words
