"""Costs are counted, and the classes keep to what they state."""
import pytest
import torch

from linviz import Grid, cost, make, names
from linviz.mechanisms import REGISTRY


def run(name: str, T: int) -> int:
    grid = Grid(T=T, Y=4, X=4)
    q, k, v = (torch.randn(1, 2, len(grid), 16) for _ in range(3))
    return cost.flops(make(name, 2, 16, grid), q, k, v)


@pytest.mark.parametrize("name", names())
def test_a_clip_twice_as_long_costs_what_the_class_says(name: str) -> None:
    """Operations at 8 and 16 frames of the same size: twice for a linear method, four times for a quadratic one."""
    short, long = run(name, 8), run(name, 16)
    stated = cost.cost_growth(REGISTRY[name].cost, Grid(8, 4, 4), Grid(16, 4, 4))
    if short == long == 0:  # no matrix product at all: elementwise work is linear
        assert stated == 2
        return
    assert long / short == pytest.approx(stated, rel=0.15), f"{name} states {REGISTRY[name].cost}: {long / short:.2f}"


def test_by_hand() -> None:
    """N S (D + E) pairs for softmax, N D E twice and the row sums for a kernel."""
    N, D = 32, 16
    q = torch.randn(1, 1, N, D)
    linear = cost.flops(make("linear", 1, D, Grid(X=N)), q, q, q)
    assert linear == 2 * (2 * N * D * D + N * D)
    assert cost.flops(make("softmax", 1, D, Grid(X=N)), q, q, q) == 2 * N * N * 2 * D


def test_bytes_kept() -> None:
    x = torch.randn(1, 1, 100, 8)
    soft, linear = (make(n, 1, 8, Grid(X=100)).map(x, x, x) for n in ("softmax", "linear"))
    assert cost.tensor_bytes(soft) == x.nbytes and cost.tensor_bytes(linear) < 5 * x.nbytes
    assert cost.tensor_bytes([x, x[0], x.clone()]) == 2 * x.nbytes
    assert cost.median_seconds(torch.matmul, x, x.mT, repeat=3) > 0
