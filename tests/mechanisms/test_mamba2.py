"""Mamba-2, pair by pair, with its skip; and VSSD, where no token is earlier than another."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, dot, mixed, single, softplus, vectors
from .memories import ORDERS, has_no_step, keeps_its_order, refuses_a_prefix, steps
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


@pytest.mark.parametrize("scan", ["raster", "unordered"])
@pytest.mark.parametrize("given", [True, False])
def test_definition(given: bool, scan: str) -> None:
    q, k, v = vectors()
    m = make("mamba2", 1, D, GRID, value_width=E, scan=scan).double()
    rate, w, b = m.mechanism.log_a.exp().item(), m.mechanism.write[0, :, 0], m.mechanism.write_bias.item()
    d = [0.1 * (i + 1) for i in range(N)] if given else [softplus(dot(k[i], w) + b) for i in range(N)]
    a = torch.eye(N, dtype=torch.float64) * m.mechanism.skip.item()
    for i in range(N):
        for j in range(N):
            if scan == "unordered":
                a[i, j] += dot(q[i], k[j]) * d[j] * rate
            elif j <= i:
                a[i, j] += dot(q[i], k[j]) * math.exp(-rate * sum(d[j + 1:i + 1])) * d[j]
    context = {"dt": torch.tensor(d)[None, None]} if given else {}
    tolerance = 1e-6 if given else 1e-12  # dt was given as float32
    assert torch.allclose(m.map(*single(q, k, v), **context).dense()[0, 0], a, atol=tolerance)
    assert torch.allclose(m(*single(q, k, v), **context)[0, 0], mixed(a, v), atol=tolerance)


def test_a_token_that_says_nothing_is_passed_over() -> None:
    q, k, v = single(*vectors())
    m, dt = make("mamba2", 1, D, GRID, value_width=E, skip=False).double(), torch.full((1, 1, N), 0.3)
    dt[..., 2] = 0
    a, rest = m.map(q, k, v, dt=dt).dense(), torch.tensor([0, 1, 3, 4, 5])
    without = make("mamba2", 1, D, Grid(X=5), value_width=E, skip=False).double()
    short = without.map(*(x[..., rest, :] for x in (q, k, v)), dt=dt[..., rest]).dense()
    assert (a[..., 2] == 0).all() and torch.allclose(a[..., rest, :][..., rest], short, atol=1e-12)


def test_without_order_tokens_may_be_permuted_and_the_rank_is_low() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 4, generator=generator, dtype=torch.float64)
    m = make("mamba2", 1, 4, Grid(Y=6, X=6), scan="unordered", skip=False).double()
    order = torch.randperm(36, generator=generator)
    mixed_up = m.map(*(x[..., order, :] for x in (q, k, v))).dense()
    assert torch.allclose(mixed_up, m.map(q, k, v).dense()[..., order, :][..., order], atol=1e-12)
    assert read(m, q, k, v).numerical_rank.item() == 4 == m.map(q, k, v).rank_bound
    has_no_step("mamba2", "unordered")


@pytest.mark.parametrize("scan", [*ORDERS, "unordered"])
@pytest.mark.parametrize("skip", [True, False])
def test_order(scan: str, skip: bool) -> None:
    holds("mamba2", scan=scan, skip=skip, **({"grids": (Grid(), Grid(T=2, Y=3, X=3))} if scan == "frames" else {}))
    differentiates("mamba2", scan=scan, skip=skip)
    if scan in ORDERS:
        keeps_its_order("mamba2", scan, skip=skip)


def test_step_by_step() -> None:
    for scan in ("raster", "columns", "frames"):
        steps("mamba2", scan=scan)
        steps("mamba2", scan=scan, skip=False)
    has_no_step("mamba2", "both")
    refuses_a_prefix("mamba2")
