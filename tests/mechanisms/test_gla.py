"""GLA, pair by pair: every channel of k has a decay of its own, from the keys or given."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, mixed, sigmoid, single, vectors
from .memories import ORDERS, has_no_step, keeps_its_order, refuses_a_prefix, steps
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


@pytest.mark.parametrize("given", [True, False])
def test_definition(given: bool) -> None:
    q, k, v = vectors()
    m = make("gla", 1, D, GRID, value_width=E).double()
    W, b = m.mechanism.fade[0].tolist(), m.mechanism.fade_bias[0, 0].tolist()
    alpha = [[sigmoid(sum(k[i, c].item() * W[c][d] for c in range(D)) + b[d]) ** (1 / 16) for d in range(D)]
             for i in range(N)]
    if given:
        alpha = [[0.1 + 0.1 * i + 0.01 * d for d in range(D)] for i in range(N)]
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        for j in range(i + 1):
            for d in range(D):
                a[i, j] += D ** -0.5 * q[i, d] * k[j, d] * math.prod(alpha[r][d] for r in range(j + 1, i + 1))
    context = {"log_decay": torch.tensor(alpha, dtype=torch.float64).log()[None, None]} if given else {}
    assert torch.allclose(m.map(*single(q, k, v), **context).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v), **context)[0, 0], mixed(a, v), atol=1e-12)


def test_a_channel_that_is_wiped_shows_nothing_from_before() -> None:
    q, k, v = single(*vectors())
    log_decay = torch.zeros(1, 1, N, D, dtype=torch.float64)
    log_decay[..., 3, 1:] = -math.inf  # at token 3 all channels but the first
    a = make("gla", 1, D, GRID, value_width=E).double().map(q, k, v, log_decay=log_decay)
    left = q[..., 3:, :1] @ k[..., :3, :1].mT * D ** -0.5
    assert torch.allclose(a.dense()[..., 3:, :3], left, atol=1e-12)


@pytest.mark.parametrize("scan", ORDERS)
def test_order(scan: str) -> None:
    holds("gla", scan=scan, **({"grids": (Grid(), Grid(T=2, Y=3, X=3))} if scan == "frames" else {}))
    differentiates("gla", scan=scan)
    keeps_its_order("gla", scan)


def test_step_by_step() -> None:
    for scan in ("raster", "columns", "frames"):
        steps("gla", scan=scan)
    has_no_step("gla", "both")
    refuses_a_prefix("gla")
