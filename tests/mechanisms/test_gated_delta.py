"""Gated DeltaNet, step by step in plain loops: fade first, then take off what the faded memory says."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, dot, identity, remembered, sigmoid, single, softplus, unit, vectors
from .memories import ORDERS, has_no_step, keeps_its_order, refuses_a_prefix, steps
from .options import differentiates, holds

GRID = Grid(T=2, Y=1, X=3)


@pytest.mark.parametrize("scan", ["raster", "frames"])
@pytest.mark.parametrize("given", [True, False])
def test_definition(given: bool, scan: str) -> None:
    q, k, v = vectors()
    m = make("gated_delta", 1, D, GRID, value_width=E, scan=scan).double()
    p, each = m.mechanism, 1 if scan == "raster" else 3
    logs = [-p.log_a.exp().item() * softplus(dot(x, p.fade[0, :, 0]) + p.fade_bias.item()) for x in k]
    logs = [sum(logs[t * each:(t + 1) * each]) / each for t in range(N // each)]  # a frame: the mean of its tokens
    beta, context = [sigmoid(dot(x, p.write[0, :, 0])) for x in k], {}
    if given:
        logs, beta = [-0.2 * (t + 1) for t in range(N // each)], [0.3 * (i + 1) for i in range(N)]
        context = {"log_decay": torch.tensor(logs, dtype=torch.float64)[None, None],
                   "beta": torch.tensor(beta, dtype=torch.float64)[None, None]}
    left = [[D ** -0.5 * x for x in unit(row)] for row in q.tolist()]
    right = [[x * each ** -0.5 for x in unit(row)] for row in k.tolist()]
    fades = [[math.exp(g)] * D for g in logs]
    o = remembered(left, right, v.tolist(), fades, beta, erase=1.0, each=each)
    a = remembered(left, right, identity(N), fades, beta, erase=1.0, each=each)
    assert torch.allclose(m(*single(q, k, v), **context)[0, 0], o, atol=1e-12)
    assert torch.allclose(m.map(*single(q, k, v), **context).dense()[0, 0], a, atol=1e-12)


def test_without_decay_it_is_the_delta_rule() -> None:
    q, k, v = single(*vectors())
    beta, still = torch.full((1, 1, N), 0.7), torch.zeros(1)
    a = make("gated_delta", 1, D, GRID, value_width=E).double().map(q, k, v, log_decay=still, beta=beta)
    b = make("delta", 1, D, GRID, value_width=E).double().map(q, k, v, beta=beta)
    assert torch.allclose(a.dense(), b.dense(), atol=1e-14)


def test_a_cut_wipes_the_memory_and_the_map_falls_into_blocks() -> None:
    q, k, v = single(*vectors())
    g = torch.full((1, 1, N), -0.1)
    g[..., 3] = -math.inf
    m = make("gated_delta", 1, D, GRID, value_width=E).double()
    a = m.map(q, k, v, log_decay=g).dense()
    assert bool((a[..., 3:, :3] == 0).all()) and bool(torch.isfinite(a).all())
    after = make("gated_delta", 1, D, Grid(X=3), value_width=E, seed=0).double()
    assert torch.allclose(a[..., 3:, 3:], after.map(*(x[..., 3:, :] for x in (q, k, v)), log_decay=g[..., 3:]).dense())


@pytest.mark.parametrize("scan", ORDERS)
def test_order(scan: str) -> None:
    holds("gated_delta", scan=scan, **({"grids": (Grid(), Grid(T=2, Y=3, X=3))} if scan == "frames" else {}))
    differentiates("gated_delta", scan=scan)
    keeps_its_order("gated_delta", scan)


def test_step_by_step() -> None:
    for scan in ("raster", "columns", "frames"):
        steps("gated_delta", scan=scan)
    has_no_step("gated_delta", "both")
    refuses_a_prefix("gated_delta")
