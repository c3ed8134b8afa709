"""The roads to the spectrum of a large map, held to the SVD of its table."""
from __future__ import annotations

import pytest
import torch
from torch import Tensor

from linviz.maps import Dense, Factored, HeadMean, Map, Scores, factored, leading_values, spectrum_roads
from linviz.spectra import numerical_rank, stable_rank

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
    monkeypatch.setattr(leading_values, "PASSES", 1)
    a = Dense(close, stochastic=False)
    assert torch.allclose(a.singular_values(top=5), slow(a)[:5]) and not a.leading_values(5).converged


def test_a_gradient_goes_through_the_table() -> None:
    table = torch.eye(N).requires_grad_()
    (gradient,) = torch.autograd.grad(Dense(table).singular_values(top=3).sum(), table)
    assert bool(torch.isfinite(gradient).all()) and gradient.square().sum() > 2.9


def spectra_of_many_kinds() -> dict[str, Map]:
    """Gaussian scores, from nearly uniform to sharp; nearly flat, falling and clustered spectra; rank 1 and rank 0."""
    turn = torch.linalg.qr(torch.randn(N, N, generator=torch.Generator().manual_seed(1))).Q
    place = torch.arange(N).float()
    kinds = {"local": Dense((-(place[:, None] - place).square() / 4).softmax(-1)), "flat": turn,
             "close": turn * torch.linspace(1, 0.999, N), "falling": turn * torch.linspace(1, 0, N),
             "peaked": turn * torch.logspace(0, -6, N), "two": turn * (torch.ones(N) - (place > 20) / 2),
             "rank 1": torch.full((N, N), 1 / N), "rank 0": torch.zeros(N, N)}
    return {f"Gaussian {size}": softmax_map(torch.float32, size) for size in (0.3, 1.0, 4.0)} | {
        name: x if isinstance(x, Map) else Dense(x, stochastic=False) for name, x in kinds.items()}


def test_no_leading_value_is_further_off_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after too few passes, where values are estimates and say so; the energy is that of the whole spectrum."""
    for name, a in spectra_of_many_kinds().items():
        exact = slow(a)
        for passes in (1, 3, 24):
            monkeypatch.setattr(leading_values, "PASSES", passes)
            found = a.leading_values(16)
            wrong = (found.values - exact[..., :16]).abs()
            assert bool((wrong <= found.bounds).all()), (name, passes, found.method)
            assert found.converged or found.method.startswith("estimate")
            assert torch.allclose(found.energy, exact.square().sum(-1), rtol=1e-5)
        assert found.converged or name in ("falling", "local", "close"), name
        assert not found.converged or bool((wrong <= 1e-6 * exact[..., :1]).all()), name


def test_leading_values_are_exact_where_that_is_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(1, 2, 40, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for a in (Factored(x, x, stochastic=False), Scores(x, x), HeadMean(Scores(x, x))):
        found = a.leading_values(3)
        assert found.passes == 0 and found.method.startswith("exact") and not found.values.requires_grad
        assert bool(((found.values - slow(a)[..., :3]).abs() <= found.bounds).all())
        assert torch.allclose(found.stable_rank, stable_rank(slow(a)))
    with pytest.raises(ValueError, match="40 singular values; got top=41"):
        Scores(x, x).leading_values(41)


def test_a_long_factor_is_decomposed_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """No matter how the blocks fall, nor that the first of them has fewer rows than columns."""
    x, y = (torch.randn(2, n, 8, generator=torch.Generator().manual_seed(n), dtype=torch.float64) for n in (101, 60))
    a, sizes, qr = Factored(x, y, stochastic=False), [], torch.linalg.qr
    monkeypatch.setattr(torch.linalg, "qr", lambda x, mode: sizes.append(x.shape[-2]) or qr(x, mode=mode))
    for rows in (3, 8, 50, 200):
        monkeypatch.setattr(factored, "QR_ROWS", rows)
        sizes.clear()
        assert torch.allclose(a.singular_values(), slow(a)[..., :8], rtol=1e-12)
        assert max(sizes) <= rows + 8
