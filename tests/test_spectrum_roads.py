"""The roads to the spectrum of a large map, held to the SVD of its table."""
from __future__ import annotations

import pytest
import torch
from torch import Tensor

from linviz.maps import Dense, Map, Scores, spectrum_roads
from linviz.spectra import numerical_rank

N = 300


@pytest.fixture(autouse=True)
def _large_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spectrum_roads, "LARGE", N)


def softmax_map(dtype: torch.dtype, size: float = 1.0, keys: int = N) -> Scores:
    draw = torch.Generator().manual_seed(3)
    q, k = (size * torch.randn(1, 2, n, 8, generator=draw, dtype=torch.float64).to(dtype) for n in (N, keys))
    return Scores(q, k)


def slow(a: Map) -> Tensor:
    return torch.linalg.svdvals(a.dense().double())


@pytest.fixture
def no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """An SVD of the table fails."""
    monkeypatch.setattr(torch.linalg, "svdvals", lambda x: pytest.fail("the table was decomposed"))


@pytest.mark.parametrize("size", [0.3, 1.0, 4.0])
def test_all_singular_values_are_those_of_the_table(size: float, request: pytest.FixtureRequest) -> None:
    a = softmax_map(torch.float32, size)
    pairs = [(m, slow(m)) for m in (a, a.centred())]
    request.getfixturevalue("no_table")
    each = [m.singular_values() for m, _ in pairs]
    for m, exact, found in [(*pair, found) for answer in (each, a.spectra()) for pair, found in zip(pairs, answer)]:
        assert found.dtype == torch.float64 and found.shape == exact.shape
        assert bool(((found - exact).abs() <= 1e-7 * exact[..., :1]).all())
        assert torch.equal(numerical_rank(found, m.tolerance), numerical_rank(exact, m.tolerance))
        assert bool((found[..., :-1] >= found[..., 1:]).all())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("top", [1, 20])
def test_the_first_few_are_those_of_the_table(dtype: torch.dtype, top: int, no_table: None) -> None:
    for keys in (N, N + 50):
        a = softmax_map(dtype, keys=keys)
        exact = torch.linalg.svd(a.dense().double()).S[..., :top]
        found = a.singular_values(top=top)
        assert found.shape == exact.shape and bool(((found - exact).abs() <= 1e-7 * exact[..., :1]).all())


def test_what_the_passes_do_not_find_is_asked_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A map of equal singular values, of which none stands out, and one whose first few lie close together."""
    draw = torch.Generator().manual_seed(1)
    turn = torch.linalg.qr(torch.randn(N, N, generator=draw, dtype=torch.float64)).Q
    close = turn * torch.linspace(1, 0.999, N, dtype=torch.float64)
    for table in (turn, close, torch.zeros(N, N)):
        a = Dense(table, stochastic=False)
        assert torch.allclose(a.singular_values(top=5), slow(a)[:5], atol=1e-7)
    monkeypatch.setattr(spectrum_roads, "PASSES", 1)
    assert spectrum_roads.leading_spectrum(Dense(close, stochastic=False).walk, 5) is None


def test_a_gradient_goes_through_the_table() -> None:
    table = torch.eye(N).requires_grad_()
    (gradient,) = torch.autograd.grad(Dense(table).singular_values(top=3).sum(), table)
    assert bool(torch.isfinite(gradient).all()) and gradient.square().sum() > 2.9
