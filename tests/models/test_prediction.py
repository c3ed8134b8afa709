"""The prediction interval: held to tables of Student's t, and to runs that are drawn."""
from __future__ import annotations

import pytest
import torch

from linviz.models.prediction import accuracy_interval, prediction_interval, t_quantile


@pytest.mark.parametrize("p, degrees, wanted", [  # printed tables of Student's t
    (0.975, 1, 12.7062), (0.975, 4, 2.7764), (0.975, 9, 2.2622), (0.995, 4, 4.6041), (0.95, 30, 1.6973), (0.5, 3, 0)])
def test_quantiles_are_those_of_the_tables(p: float, degrees: int, wanted: float) -> None:
    assert t_quantile(p, degrees) == pytest.approx(wanted, abs=6e-5)


def test_95_of_100_new_runs_lie_in_it() -> None:
    drawn = 0.6 + 0.03 * torch.randn(2000, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    inside = [low <= new <= high for *seeds, new in drawn.tolist() for low, high in [prediction_interval(seeds)]]
    assert 0.935 < sum(inside) / len(inside) < 0.965


def test_it_stays_among_shares_and_needs_several() -> None:
    assert prediction_interval([0.0, 1.0, 0.5]) == (0.0, 1.0)
    with pytest.raises(ValueError, match="at least two values; got 1"):
        prediction_interval([0.5])
    assert accuracy_interval("softmax", "long") is None and accuracy_interval("swin") is None
