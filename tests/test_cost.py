"""Costs are counted, and the classes keep to what they state."""
import math
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from linviz import Grid, cost, make, names
from linviz.mechanisms import REGISTRY

STEEPER = {"reformer"}  # its hash has as many directions as there are buckets, N / L: N^2 / L numbers


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


class Numbers(TorchDispatchMode):
    """Counts the numbers that are written, whatever operation writes them."""

    written = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = operation(*args, **(kwargs or {}))
        for x in found if isinstance(found, tuple | list) else [found]:
            self.written += x.numel() if isinstance(x, torch.Tensor) and not operation.is_view else 0
        return found


def work(f: Callable[[], Any]) -> int:
    """Products and numbers written."""
    with torch.no_grad(), FlopCounterMode(display=False) as products, Numbers() as numbers:
        f()
    return int(products.get_total_flops()) + numbers.written


def asked(spec: str, side: int, **options: Any) -> list[int]:
    """The work of the output, of one row and of the column sums, on a picture."""
    grid = Grid(1, side, side)
    q, k, v = torch.randn(3, 1, 1, len(grid), 8, generator=torch.Generator().manual_seed(0)) / 4
    m = make(spec, 1, 8, grid, **options)

    def one() -> Any:
        a = m.map(q, k, v)
        return a.shared or a.channel(0)
    return [work(f) for f in (lambda: m(q, k, v), lambda: one().rows(torch.tensor([7])), lambda: one().column_sums())]


def growth_of_questions(name: str, causal: bool) -> tuple[float, list[float]]:
    """The powers of N: what the class states, and those of `asked`, from 12 x 12 to 24 x 24 patches."""
    stated = math.log(cost.cost_growth(REGISTRY[name].cost, Grid(1, 12, 12), Grid(1, 24, 24)), 4)
    if stated > 1.9 or causal and not REGISTRY[name].takes_causal:
        return stated, []
    found = [asked(name, side, **{"causal": True} if causal else {}) for side in (12, 24)]
    return stated, [math.log(long / short, 4) for short, long in zip(*found)]


def check_growth(name: str, causal: bool) -> None:
    """What is counted holds on every machine, unlike a time."""
    stated, found = growth_of_questions(name, causal)
    assert max(found, default=0) <= stated + 0.12, f"{name}: N^{stated:.2f}; output, row, column sums: {found}"


def test_no_question_to_a_causal_or_banded_map_is_quadratic() -> None:
    for name, causal in (("linear", True), ("efficient", True), ("aft_local", False), ("aft_local", True)):
        check_growth(name, causal)


@pytest.mark.nightly
def test_no_question_to_a_map_grows_faster_than_the_class_says() -> None:
    for name, causal in product(sorted(set(names()) - STEEPER), (False, True)):
        check_growth(name, causal)
