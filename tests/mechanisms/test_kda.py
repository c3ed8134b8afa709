"""KDA, step by step in plain loops: the delta rule with a decay for every channel of k."""
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
    m = make("kda", 1, D, GRID, value_width=E, scan=scan).double()
    p, each = m.mechanism, 1 if scan == "raster" else 3
    rate, b = p.log_a.exp().item(), p.fade_bias[0, 0].tolist()
    logs = [[-rate * softplus(dot(x, p.fade[0, :, d]) + b[d]) for d in range(D)] for x in k]
    logs = [[sum(logs[i][d] for i in range(t * each, (t + 1) * each)) / each for d in range(D)]
            for t in range(N // each)]
    beta, context = [sigmoid(dot(x, p.write[0, :, 0])) for x in k], {}
    if given:
        logs = [[-0.1 * (t + 1) * (d + 1) for d in range(D)] for t in range(N // each)]
        beta = [0.3 * (i + 1) for i in range(N)]
        context = {"log_decay": torch.tensor(logs, dtype=torch.float64)[None, None],
                   "beta": torch.tensor(beta, dtype=torch.float64)[None, None]}
    left = [[D ** -0.5 * x for x in unit(row)] for row in q.tolist()]
    right = [[x * each ** -0.5 for x in unit(row)] for row in k.tolist()]
    fades = [[math.exp(g) for g in row] for row in logs]
    o = remembered(left, right, v.tolist(), fades, beta, erase=1.0, each=each)
    a = remembered(left, right, identity(N), fades, beta, erase=1.0, each=each)
    assert torch.allclose(m(*single(q, k, v), **context)[0, 0], o, atol=1e-12)
    assert torch.allclose(m.map(*single(q, k, v), **context).dense()[0, 0], a, atol=1e-12)


def test_equal_channels_are_gated_delta() -> None:
    q, k, v = single(*vectors())
    given = {"log_decay": torch.linspace(-1, 0, N)[None, None], "beta": torch.full((1, 1, N), 0.7)}
    a, b = (make(name, 1, D, GRID, value_width=E).double().map(q, k, v, **given) for name in ("kda", "gated_delta"))
    assert torch.allclose(a.dense(), b.dense(), atol=1e-14)
    channels = given | {"log_decay": given["log_decay"][..., None].expand(-1, -1, -1, D)}
    assert torch.allclose(make("kda", 1, D, GRID, value_width=E).double().map(q, k, v, **channels).dense(), b.dense())
    with pytest.raises(ValueError, match=r"or \(1, 1, 6\); got \(1, 1, 6, 4\)"):
        make("gated_delta", 1, D, GRID, value_width=E).double().map(q, k, v, **channels)


@pytest.mark.parametrize("scan", ORDERS)
def test_order(scan: str) -> None:
    holds("kda", scan=scan, **({"grids": (Grid(), Grid(T=2, Y=3, X=3))} if scan == "frames" else {}))
    differentiates("kda", scan=scan)
    keeps_its_order("kda", scan)


def test_step_by_step() -> None:
    for scan in ("raster", "columns", "frames"):
        steps("kda", scan=scan)
    has_no_step("kda", "both")
    refuses_a_prefix("kda")
