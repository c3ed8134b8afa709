"""What cannot be attended is refused in one sentence of linviz's own, the same for every mechanism."""
from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from linviz import Grid, make, names, read
from linviz.mechanisms import REGISTRY

from .cases import every_case

GRID = Grid(Y=3, X=3)
CAUSAL = [name for name in names() if REGISTRY[name].takes_causal]
X = torch.randn(1, 2, 9, 16, generator=torch.Generator().manual_seed(0))
SHORT = X[..., :7, :]


def sentence(call) -> str:
    """The one sentence of a ValueError."""
    with pytest.raises(ValueError) as error:
        call()
    said = str(error.value)
    assert "\n" not in said and len(said) < 400 and "torch." not in said and "dimension" not in said
    return said


def attend(name: str, *qkv: Tensor, **context):
    return make(name, 2, 16, GRID)(*(qkv or (X, X, X)), **context)


@every_case("name", names())
def test_a_mask_where_there_is_none(name: str) -> None:
    table = torch.zeros(9, 9)
    for word in ("mask", "attn_mask", "bias", "key_padding_mask"):
        if (name, word) != ("softmax", "bias"):
            assert f"{name} has no {word}=" in sentence(lambda word=word: attend(name, **{word: table}))
            assert word in sentence(lambda word=word: make(name, 2, 16, GRID).map(X, X, X, **{word: table}))


@every_case("shape", [(0, 2, 9, 16), (1, 2, 0, 16), (1, 0, 9, 16)])
@every_case("name", names())
def test_nothing_to_attend(name: str, shape: tuple[int, ...]) -> None:
    empty = torch.zeros(shape)
    for given in ((empty, empty, empty), (X, empty, empty), (empty, X, X)):
        assert f"is empty: (batch, heads, tokens, width) must be at least 1 each; got {shape}" in sentence(
            lambda given=given: attend(name, *given))
    assert "is empty" in sentence(lambda: read(make(name, 2, 16, GRID), empty, empty, empty))


@every_case("name", CAUSAL)
def test_causal_with_other_keys_than_queries(name: str) -> None:
    """Softmax and additive scores have a meaning there: query i sees the keys up to i. All others refuse."""
    m = make(name, 2, 16, GRID, causal=True)
    for q, k in ((X, SHORT), (SHORT, X)):
        if REGISTRY[name].family == "softmax" and not REGISTRY[name].sorts:
            assert m.map(q, k, k).dense().triu(1).eq(0).all()
            continue
        for call in (m, m.map):
            assert "queries" in (said := sentence(lambda call=call, q=q, k=k: call(q, k, k))) and "keys" in said


@every_case("name", names())
@torch.no_grad()
def test_dtypes_may_be_mixed(name: str) -> None:
    """A learned table in float32, or a bias, asks nobody to convert q, k and v."""
    right = attend(name)
    for kinds in ((torch.float64, torch.float32, torch.float32), (torch.float64,) * 3, (torch.float32, torch.bfloat16,
                                                                                        torch.float64)):
        found = attend(name, *(x.to(kind) for x, kind in zip((X, X, X), kinds)))
        assert torch.allclose(found.float(), right, atol=0.05), kinds
    assert attend(name, *[X.bfloat16()] * 3).dtype == torch.bfloat16


BIASES = {"float64": torch.zeros(9, 9).double(), "bfloat16": torch.zeros(9, 9).bfloat16(), "numpy": np.zeros((9, 9)),
          "integers": torch.zeros(9, 9, dtype=torch.int64), "of every key": torch.zeros(9),
          "of a head": torch.zeros(2, 9, 9), "all allowed": torch.ones(9, 9, dtype=torch.bool)}


@every_case("what", BIASES)
@every_case("dtype", [torch.float32, torch.float64, torch.bfloat16])
@torch.no_grad()
def test_a_bias_of_any_type(what: str, dtype: torch.dtype) -> None:
    q, k, v = (x.to(dtype) for x in (X, X, X))
    m = make("softmax", 2, 16, GRID)
    assert torch.equal(m(q, k, v, bias=BIASES[what]), m(q, k, v)) or torch.allclose(
        m(q, k, v, bias=BIASES[what]), m(q, k, v), atol=1e-6)
    assert torch.allclose(m.map(q, k, v, bias=BIASES[what]).dense(), m.map(q, k, v).dense())


@torch.no_grad()
def test_a_bias_of_bool_allows_where_it_is_true() -> None:
    allowed = torch.ones(9, 9, dtype=torch.bool).tril()
    soft, causal = make("softmax", 2, 16, GRID), make("softmax", 2, 16, GRID, causal=True)
    assert torch.allclose(soft(X, X, X, bias=allowed), causal(X, X, X), atol=1e-6)
    assert torch.allclose(soft.map(X, X, X, bias=allowed).dense(), causal.map(X, X, X).dense())


@pytest.mark.parametrize(("bias", "says"), [
    (torch.zeros(8, 9), r"expands to it; got (8, 9)"), (torch.zeros(3, 9, 9), "got (3, 9, 9)"),
    (torch.zeros(1, 1, 1, 9, 9), "got (1, 1, 1, 9, 9)"),
    (torch.full((9, 9), torch.nan), "NaN or infinity"), (torch.full((9, 9), torch.inf), "NaN or infinity"),
    (torch.full((9, 9), -torch.inf), "forbids every key"), (torch.zeros(9, 9, dtype=torch.bool), "forbids every key")])
def test_a_bias_that_does_not_fit(bias: object, says: str) -> None:
    assert says in sentence(lambda: attend("softmax", bias=bias))


@pytest.mark.parametrize(("given", "says"), [
    ((X.int(), X, X), "got int32"), ((X > 0, X, X), "got bool"), ((X.to(torch.complex64), X, X), "got complex64"),
    ((X.to(torch.float8_e4m3fn), X, X), "got float8_e4m3fn"), ((X, X.to_sparse(), X), "use k.to_dense()"),
    ((X, X.to("meta"), X), "one device"), ((X, X, X[..., :5]), "width 16"), ((X[:, :1], X, X), "2 heads; q has 1"),
    ((X, X[:, [0, 1, 0]], X[:, [0, 1, 0]]), "cannot be divided evenly"), ((torch.cat([X, X]), X, X), "same batch"),
    ((X, X, SHORT), "same heads and tokens")])
def test_siblings(given: tuple, says: str) -> None:
    assert says in sentence(lambda: attend("softmax", *given))


def test_a_state_of_another_batch() -> None:
    m, token = make("linear", 2, 16, GRID, causal=True), X[:, :, :1]
    state, _ = m.step(None, token, token, token)
    two = torch.cat([token, token])
    assert "a batch of 1 with 2 heads; q has the shape (2, 2, 1, 16)" in sentence(lambda: m.step(state, two, two, two))


@every_case("size", [1e19, 1e20, 1e30])
@every_case("name", names())
@torch.no_grad()
def test_numbers_whose_products_overflow(name: str, size: float) -> None:
    """One sentence, never NaN and never a row that is dead or sharp because of infinity; float64 holds them."""
    q = k = X * (size / X.abs().max())
    if REGISTRY[name].family == "content-free":
        assert bool(torch.isfinite(attend(name, q, k, X)).all())
        return
    assert f"q and k reach {size:.3g} and {size:.3g}" in sentence(lambda: attend(name, q, k, X))
    assert "too large for float32" in sentence(lambda: read(make(name, 2, 16, GRID), q, k, X))
    wide = make(name, 2, 16, GRID).double()
    assert bool(torch.isfinite(wide(q.double(), k.double(), X.double())).all())


@pytest.mark.parametrize("size", [50.0, 100.0, 1e4])
def test_exponentials_that_nothing_divides(size: float) -> None:
    """InLine's rows are not divided by their sums, so exp(q) exp(k) must have a place in float32."""
    q, k = (x * (size / X.abs().max()) for x in (X, X + 0.01))
    m = make("inline", 2, 16, GRID, features="exp")
    assert bool(torch.isfinite(m(X, X, X)).all())
    for call in (lambda: m(q, k, X), lambda: m(k, q, X), lambda: read(m, q, k, X).summary()):
        assert "is too large for float32; divide q and k by a number" in sentence(call)
    if size < 200:
        assert bool(torch.isfinite(m.double()(q.double(), k.double(), X.double())).all())
    assert bool(torch.isfinite(m.double()(-q.double().abs(), -k.double().abs(), X.double())).all())


def test_a_kernel_that_is_none() -> None:
    m = make("inline", 2, 16, GRID)
    for shape in ((1,), (2, 16, 3, 5), (2, 16, 0, 0)):
        assert "the kernel of a convolution is (heads, chan" in sentence(
            lambda shape=shape: m(X, X, X, kernel=torch.ones(shape)))


@pytest.mark.parametrize("size", [1e36, 3e38])
@pytest.mark.parametrize("name", names())
@torch.no_grad()
def test_values_whose_sums_overflow(name: str, size: float) -> None:
    v = X * (size / X.abs().max())
    assert f"v reaches {size:.3g}, and sums of" in sentence(lambda: attend(name, X, X, v))
    assert bool(torch.isfinite(attend(name, X, X, v * (1e32 / size))).all())


@pytest.mark.parametrize("size", [1e20, 1e30, 1e32])
def test_values_whose_squares_overflow(size: float) -> None:
    """A norm of the output squares it: SANA's version 2. Scaled values give the same output."""
    m = make("sana", 2, 16, GRID, version=2)
    assert torch.allclose(m(X, X, X * size), m(X, X, X * 1e4), atol=1e-5)
    assert torch.allclose(m(X, X, X), torch.nn.functional.rms_norm(
        m.map(X, X, X).apply(X), (16,), m.mechanism.norm, 1e-5), atol=1e-6)


def test_gradients_do_not_stand_in_the_way() -> None:
    x = X.clone().requires_grad_()
    assert np.asarray(make("softmax", 2, 16, GRID).map(x, x, x)).shape == (1, 2, 9, 9)
    assert read(make("relu_floor+gate", 2, 16, GRID), x, x, x).summary()["rows"] == 18
