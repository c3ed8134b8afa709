"""Measured costs: points, estimates beyond a cap, counted memory, and where one mechanism overtakes another."""
from __future__ import annotations

import pytest
import torch

from linviz import measured_cost
from linviz.live_memory import peak_bytes
from linviz.measured_cost import CostPoint, cost_formula, crossover_sentence, crossover_tokens, measured_costs

SIZES = (49, 196, 784, 3136)


def points(start: float, rate: float, power: int, measured: int = 4) -> list[CostPoint]:
    name = {1: "linear", 2: "softmax"}[power]
    return [CostPoint(name, n, start + rate * n**power, 1, 1, i < measured) for i, n in enumerate(SIZES)]


def test_above_the_cap_points_are_estimates_on_the_formula() -> None:
    rows = list(measured_costs(["softmax", "linear"], sides=(4, 6, 8, 12), width=8, rounds=1, most=64))
    assert [[p.measured for p in row] for row in rows] == [[True] * 2] * 3 + [[False] * 2]
    for column in zip(*rows):
        guess = column[-1]
        assert guess.tokens == 144 and guess.seconds == cost_formula(column[:3]).seconds(144)
        assert guess.peak_bytes == pytest.approx(column[2].peak_bytes * 144 / 64, rel=0.25)
        assert all(p.seconds > 0 and p.kept_bytes > 0 and p.peak_bytes > 0 for p in column)


def test_a_call_that_would_take_too_long_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured_cost, "LONGEST", 1e-9)
    rows = list(measured_costs(["uniform"], sides=(4, 6, 8), width=8, rounds=1))
    assert [point.measured for [point] in rows] == [True, False, False]


def test_memory_is_that_of_the_tensors_that_exist_together() -> None:
    q, k, v = torch.randn(3, 100, 8).unbind()
    table, out = 100 * 100 * 4, 100 * 8 * 4
    assert peak_bytes(lambda: torch.softmax(q @ k.mT, -1) @ v) == 2 * table  # the scores and their softmax
    assert peak_bytes(lambda: q @ (k.mT @ v)) == 8 * 8 * 4 + out
    assert peak_bytes(lambda: torch.empty(5).add_(1)) == 20 and peak_bytes(lambda: q[3:].mT) == 0


def test_softmax_of_linviz_makes_no_table_and_linear_grows_as_stated() -> None:
    *_, short, long = measured_costs(["softmax", "linear"], sides=(8, 16, 32), width=8, rounds=1)
    for before, after in zip(short, long):
        assert after.peak_bytes == pytest.approx(4 * before.peak_bytes, rel=0.1)
        assert after.peak_bytes < 4 * 1024**2 / 4, "less than a quarter of the table"


def test_the_crossing_lies_between_points_beyond_them_or_nowhere() -> None:
    soft = points(0, 1e-9, 2)
    assert crossover_tokens(soft, points(0, 5e-7, 1)) == pytest.approx(500, rel=0.01)
    assert crossover_tokens(soft, points(0, 1e-5, 1)) == pytest.approx(10_000, rel=0.01)
    assert crossover_tokens(points(0, 1e-9, 1), points(0, 1e-9, 2)) is None
    said = [crossover_sentence(["softmax", "linear"], [soft, points(0, rate, 1, measured)])
            for rate, measured in ((5e-7, 4), (1e-5, 4), (1e-9, 4))]
    assert "from about 500 patches on." in said[0] and "from about 10,000 patches on, which is an est" in said[1]
    assert said[2].endswith("already with 49 patches.")
    assert crossover_sentence(["uniform", "linear"], [points(0, 1e-9, 1), points(0, 2e-9, 1)]) == (
        "On this machine, uniform is faster than linear on large pictures.")


def test_noise_gives_no_fixed_part_below_zero() -> None:
    formula = cost_formula(points(-1e-6, 1e-7, 1))
    assert formula.start == 0 and formula.seconds(3136) == pytest.approx(3136e-7 - 1e-6)
