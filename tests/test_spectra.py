"""Functions of singular values, on spectra whose answers are known by hand."""
import math

import pytest
import torch

from linviz import Grid, make, read
from linviz import spectra as sp
from linviz.maps import Dense, Factored
from linviz.measure import MEASURES

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


ZEROS = [torch.zeros(n) for n in (1, 2, 9)] + [torch.zeros(2, 3, 5, dtype=torch.float64)]


@pytest.mark.parametrize("s", ZEROS, ids=lambda s: str(tuple(s.shape)))
def test_the_zero_map_has_rank_zero_by_every_measure(s: torch.Tensor) -> None:
    for measure in (m for m in MEASURES.values() if m.of == "spectrum"):
        for options in ({"tolerance": 0.0}, {"tolerance": 1e-3}) if measure.name == "numerical_rank" else ({},):
            assert measure.function(s, **options).eq(0).all(), measure.name
    assert all(sp.energy_rank(s, share).eq(0).all() for share in (1e-6, 0.5, 1.0))
    assert sp.cumulative_share(s).eq(0).all()
    both = torch.cat([torch.zeros(1, 3), torch.tensor([[2.0, 1.0, 1.0]])])
    assert sp.energy_rank(both).tolist() == [0, 3] and sp.stable_rank(both).tolist() == [0.0, 1.5]


@pytest.mark.parametrize("size", [1e-300, 1e-170, 1e-30, 1e30, 1e170, 1e300])
def test_no_measure_depends_on_the_size_of_the_map(size: float) -> None:
    """Its square, or its fourth power, may be zero or infinite."""
    s = torch.tensor([2.0, 1.0, 0.5, 0.0], dtype=torch.float64)
    for measure in (m for m in MEASURES.values() if m.of == "spectrum"):
        options = {"tolerance": 0.1} if measure.name == "numerical_rank" else {}
        assert torch.allclose(measure.function(s * size, **options).double(), measure.function(s, **options).double())
    small = (s * size).float()
    if bool(torch.isfinite(small).all()) and size > 1e-35:
        assert torch.allclose(sp.participation_ratio(small), sp.participation_ratio(s).float())


@torch.no_grad()
def test_a_map_of_dead_rows_is_measured_as_the_zero_map() -> None:
    x = -torch.ones(1, 1, 12, 8)
    found = read(make("relu", 1, 8, Grid(X=12)), x, x, x).summary()
    assert {found[m.name] for m in MEASURES.values() if m.of == "spectrum" and m.name in found} == {0.0}
