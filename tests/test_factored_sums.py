"""What thin factors say of all rows, held to the table; and without it."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, concentration, make, read, spectra
from linviz.maps import (
    Factored,
    factored_row_means,
    factored_row_sums,
    factored_square_sums,
    factored_sums,
    frobenius_norm,
    position_moments,
)

GRID = Grid(T=3, Y=4, X=5)


def signed_map(dtype: torch.dtype = torch.float64) -> Factored:
    draw = torch.Generator().manual_seed(0)
    left, right = (torch.randn(2, n, 6, generator=draw, dtype=torch.float64).to(dtype) for n in (len(GRID), 50))
    return Factored(left, right, stochastic=False)


def test_sums_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    a = signed_map()
    table = a.dense()
    for rows in (7, 1000):
        monkeypatch.setattr(factored_sums, "ROWS", rows)
        assert torch.allclose(factored_row_sums(a), table.sum(-1))
        assert torch.allclose(factored_square_sums(a), table.square().sum(-1))
        assert torch.allclose(frobenius_norm(a), torch.linalg.matrix_norm(table))
    assert torch.allclose(frobenius_norm(a).square(), spectra.stable_rank(a.singular_values())
                          * a.singular_values()[..., 0].square())


def test_signed_features_are_squared_in_float64() -> None:
    """Large features that cancel: in float32 nothing would be left of the sum."""
    left = torch.tensor([[1.0, 1.0]])
    right = torch.tensor([[1e4, 1 - 1e4], [-1e4, 1e4]])
    assert factored_square_sums(Factored(left, right, stochastic=False)).item() == pytest.approx(1)


def test_positions_are_averaged_under_every_row() -> None:
    x = torch.rand(2, 1, 3, len(GRID), 4, generator=torch.Generator().manual_seed(1))
    a = make("relu", 3, 4, GRID).map(x[0], x[1], x[1])
    shares, where = concentration.normalise_rows(a.dense()).double(), 100 + GRID.places().float()
    mean, square = position_moments(a, where, where)
    apart = torch.cdist(where.double(), where.double()).square()
    assert torch.allclose(mean.double(), shares @ where.double(), rtol=1e-6)
    assert torch.allclose(square.double(), (shares * apart).sum(-1), rtol=1e-5)
    frames = torch.eye(GRID.T)[GRID.places()[:, 0]]
    assert torch.allclose(factored_row_means(a, frames), concentration.frame_mass(a.dense(), GRID), rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_reading_takes_them_without_a_row(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    draw, mask = torch.Generator().manual_seed(2), torch.rand(len(GRID))
    q, k = torch.randn(2, 1, 2, len(GRID), 4, generator=draw, dtype=dtype)
    q[0, 0, 3] = -1  # a row whose features are all zero
    for spec in ("relu", "relu_floor+gate", "linear", "efficient", "uniform"):
        r = read(make(spec, 2, 4, GRID).to(dtype), q, k, k)
        table, rtol = r.map.dense(), 1e-5 if dtype == torch.float32 else 1e-10
        dead = table.sum(-1) < 0.5
        live = table.masked_fill(dead.unsqueeze(-1), 1)
        with monkeypatch.context() as patch:
            patch.setattr(Factored, "take_rows", lambda *_: pytest.fail("a row was computed"))
            found = {"participation": r.participation, "mass": r.rows("mass", mask=mask),
                     "lift": r.rows("lift", mask=mask)}
            assert torch.equal(r.dead, dead) and bool(dead.any()) == (spec == "relu")
        for name, values in found.items():
            options = {} if name == "participation" else {"mask": mask}
            exact = getattr(concentration, name)(live, **options).masked_fill(dead, torch.nan)
            assert torch.allclose(values, exact, rtol=rtol, equal_nan=True), (spec, name)
        with pytest.raises(ValueError, match="mask"):
            r.rows("lift", mask=torch.zeros(len(GRID)))
