"""Functions of singular values, on spectra whose answers are known by hand."""
import math

import pytest
import torch

from linviz import Grid, make
from linviz import spectra as sp
from linviz.maps import Dense, Factored

FLAT, ONE, NONE = torch.ones(8), torch.tensor([3.0, 0, 0, 0]), torch.zeros(3)
COUNTS = (sp.effective_rank, sp.stable_rank, sp.participation_ratio)


@pytest.mark.parametrize("count", COUNTS)
def test_equal_values_count_fully_and_a_lone_one_once(count) -> None:
    assert count(FLAT).item() == pytest.approx(8)
    assert count(ONE).item() == pytest.approx(1)
    assert count(NONE).item() == 0
    assert count(torch.stack([FLAT[:4], ONE])).tolist() == pytest.approx([4, 1])


def test_by_hand() -> None:
    s = torch.tensor([2.0, 1.0, 1.0], dtype=torch.float64)
    p = [0.5, 0.25, 0.25]
    assert sp.effective_rank(s).item() == pytest.approx(math.exp(-sum(x * math.log(x) for x in p)))
    assert sp.stable_rank(s).item() == pytest.approx(6 / 4)
    assert sp.participation_ratio(s).item() == pytest.approx(36 / 18)
    assert sp.cumulative_share(s).tolist() == pytest.approx([0.5, 0.75, 1.0])
    assert sp.cumulative_share(s, power=2).tolist() == pytest.approx([4 / 6, 5 / 6, 1.0])
    assert [sp.energy_rank(s, share).item() for share in (0.5, 4 / 6, 0.8, 5 / 6, 0.9, 1.0)] == [1, 1, 2, 2, 3, 3]


def test_the_rank_of_a_factored_map_does_not_follow_a_cast() -> None:
    """Cast to float64, the written-out float32 map seems to have full rank; the map itself knows better."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(1, 1, 196, 16, generator=generator) for _ in range(3))
    a = make("relu_floor", 1, 16, Grid(X=196)).map(q, k, v)
    naive = torch.linalg.matrix_rank(a.dense().double())
    assert naive.item() > 100
    assert sp.numerical_rank(a.singular_values(), a.tolerance).item() == 16
    double = make("relu_floor", 1, 16, Grid(X=196)).map(q.double(), k.double(), v.double())
    assert sp.numerical_rank(double.singular_values(), double.tolerance).item() == 16


def test_a_low_rank_product_in_float32_keeps_its_rank() -> None:
    """Twenty directions behind a large mean row: the usual tolerance for a float32 table sees only a few."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(512, 20, generator=generator) * 1e-4
    left[:, 0] = 1.0
    a = Factored(left, torch.randn(512, 20, generator=generator).abs() / 512, stochastic=False)
    assert sp.numerical_rank(a.singular_values(), a.tolerance).item() == 20
    assert torch.linalg.matrix_rank(a.dense()).item() < 20


def test_the_mean_row_is_what_the_first_value_holds() -> None:
    rows = torch.full((5, 5), 0.2)
    assert Dense(rows).centred().singular_values().max() < 1e-7


@pytest.mark.parametrize("call", [
    lambda: sp.effective_rank(torch.tensor([1.0, -1.0])), lambda: sp.stable_rank(torch.zeros(0)),
    lambda: sp.numerical_rank(FLAT, 2.0), lambda: sp.energy_rank(FLAT, 0), lambda: sp.cumulative_share(FLAT, 3),
    lambda: sp.effective_rank(torch.tensor([math.nan]))])
def test_mistakes_get_a_sentence(call) -> None:
    with pytest.raises(ValueError) as error:
        call()
    assert len(str(error.value).splitlines()) == 1
