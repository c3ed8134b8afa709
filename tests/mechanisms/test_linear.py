"""Linear attention (elu + 1), pair by pair, and causal row by row."""
import math

import pytest
import torch

from linviz import Grid, make
from linviz.mechanisms.linear import elu_plus_one

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors
from .options import differentiates, holds


def phi(x: torch.Tensor) -> torch.Tensor:
    return torch.tensor([value + 1 if value > 0 else math.exp(value) for value in x.tolist()], dtype=torch.float64)


def similarity(x: torch.Tensor, y: torch.Tensor) -> float:
    return dot(phi(x), phi(y))


def test_definition() -> None:
    q, k, v = vectors()
    a = from_similarity(similarity, q, k)
    m = make("linear", 1, D, Grid(X=N), value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_causal_row_by_row() -> None:
    q, k, v = vectors()
    m = make("linear", 1, D, Grid(X=N), value_width=E, causal=True)
    a = m.map(*single(q, k, v)).dense()[0, 0]
    for i in range(N):
        assert torch.allclose(a[i, :i + 1], from_similarity(similarity, q[i:i + 1], k[:i + 1])[0], atol=1e-12)
        assert a[i, i + 1:].abs().sum() == 0
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_the_state_after_every_token() -> None:
    """S_i = S_{i-1} + phi(k_i) v_i^T and z_i = z_{i-1} + phi(k_i), number by number."""
    q, k, v = vectors()
    m, state = make("linear", 1, D, Grid(X=N), value_width=E, causal=True), None
    S, z = torch.zeros(D, E, dtype=torch.float64), torch.zeros(D, dtype=torch.float64)
    for i in range(N):
        for d in range(D):
            z[d] += phi(k[i])[d]
            for e in range(E):
                S[d, e] += phi(k[i])[d] * v[i, e]
        state, o = m.step(state, *(x[None, None, [i]] for x in (q, k, v)))
        assert torch.allclose(state.S[0, 0], S, atol=1e-12) and torch.allclose(state.z[0, 0], z, atol=1e-12)
        assert torch.allclose(o[0, 0, 0], phi(q[i]) @ S / (dot(phi(q[i]), z) + 1e-6), atol=1e-12)
        assert state.seen == i + 1 and state.S.shape == (1, 1, D, E)
    assert torch.allclose(o, m(*single(q, k, v))[..., -1:, :], atol=1e-12)


@torch.no_grad()
def test_parallel_is_recurrent_over_more_than_one_chunk() -> None:
    """200 tokens: the parallel form works in chunks, the recurrent one token by token, and they agree."""
    q, k, v = (x.double() for x in torch.randn(3, 2, 2, 200, D, generator=torch.Generator().manual_seed(0)))
    m, state, out = make("linear", 2, D, Grid(X=200), causal=True), None, []
    for token in zip(*(x.split(1, -2) for x in (q, k, v)), strict=True):
        state, o = m.step(state, *token)
        out.append(o)
    assert torch.allclose(torch.cat(out, -2), m(q, k, v), rtol=0, atol=1e-9)


def test_the_triangle_undoes_the_rank_bound() -> None:
    q, k, v = single(*vectors())
    maps = [make("linear", 1, D, Grid(X=N), value_width=E, causal=causal).map(q, k, v) for causal in (False, True)]
    assert [int(torch.linalg.matrix_rank(a.dense())) for a in maps] == [D, N]


def test_what_has_no_state_says_so() -> None:
    q, k, v = (x[..., :1, :] for x in single(*vectors()))
    with pytest.raises(ValueError, match="make it with causal=True"):
        make("linear", 1, D, Grid(X=N), value_width=E).step(None, q, k, v)
    with pytest.raises(ValueError, match="softmax has no recurrent form"):
        make("softmax", 1, D, Grid(X=N), value_width=E, causal=True).step(None, q, k, v)
    with pytest.raises(ValueError, match="one token at a time"):
        make("linear", 1, D, Grid(X=N), value_width=E, causal=True).step(None, *single(*vectors()))


@pytest.mark.parametrize("causal", [False, True])
def test_laws_and_gradients(causal: bool) -> None:
    holds("linear", causal=causal)
    differentiates("linear", causal=causal)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_small_features_are_exponentials(dtype: torch.dtype) -> None:
    """elu(x) + 1 rounds exp(-18) to zero in float32 and exp(-8) in bfloat16: the row would be dead."""
    x = torch.arange(-30.0, 5.0).to(dtype)
    exact = torch.where(x.double() > 0, x.double() + 1, x.double().exp())
    found = make("linear", 1, 1, Grid(X=len(x))).features(*[x[None, None, :, None]] * 3)
    for phi_x in found[:2]:
        assert torch.allclose(phi_x[0, 0, :, 0].double(), exact, rtol=1e-6, atol=0)
    q = torch.full((1, 1, 9, 4), -18.0, dtype=dtype)
    a = make("linear", 1, 4, Grid(X=9), eps=0.0).map(q, q, q)
    assert torch.allclose(a.dense(), torch.full((9, 9), 1 / 9), atol=1e-6)


def test_the_slope_at_and_around_zero_is_that_of_the_exponential() -> None:
    x = torch.tensor([-18.0, -1e-9, 0.0, 1e-9, 3.0], dtype=torch.float64, requires_grad=True)
    elu_plus_one(x).sum().backward()
    assert torch.allclose(x.grad, x.detach().clamp_max(0).exp())
