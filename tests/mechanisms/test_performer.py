"""Performer, feature by feature; what a draw of directions is, and what the future must not change."""
import math

import pytest
import torch
from torch import Tensor

from linviz import Grid, make
from linviz.maps import CausalFactored, Features, Normaliser

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors
from .options import differentiates, holds

M = 5
KINDS = ("positive", "trigonometric", "relu", "none")


def made(**options):
    return make("performer", 1, D, Grid(X=N), value_width=E, directions=M, **options).double()


def phi(kind: str, x: Tensor, w: Tensor, top: float) -> Tensor:
    """The features of one token, one after the other; `top` is taken off its exponents."""
    x = x * D ** -0.25
    half = dot(x, x) / 2
    if kind == "relu":
        return torch.tensor([max(0.0, dot(u, x)) + 1e-3 for u in w], dtype=torch.float64)
    if kind == "positive":
        return torch.tensor([math.exp(dot(u, x) - half - top) + 1e-4 for u in w], dtype=torch.float64)
    waves = [f(dot(u, x)) for f in (math.cos, math.sin) for u in w]
    return math.exp(half) * torch.tensor(waves, dtype=torch.float64)


def top(x: Tensor, w: Tensor) -> float:
    """The largest w.x of some tokens."""
    return max(dot(u, y) for y in x * D ** -0.25 for u in w)


@pytest.mark.parametrize("kind", ["positive", "trigonometric", "relu"])
def test_definition(kind: str) -> None:
    q, k, v = vectors()
    m = made(kind=kind)
    w = m.mechanism.w
    phi_q = torch.stack([phi(kind, x, w, top(x[None], w)) for x in q])
    phi_k = torch.stack([phi(kind, x, w, top(k, w)) for x in k])
    a = from_similarity(dot, phi_q, phi_k, eps=0)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)
    assert m.mechanism.features_wide == len(phi_q[0])


def test_no_projection_is_efficient_attention() -> None:
    q, k, v = single(*vectors())
    ours = make("performer", 1, D, Grid(X=N), value_width=E, kind="none")
    assert torch.allclose(ours(q, k, v), make("efficient", 1, D, Grid(X=N), value_width=E)(q, k, v), atol=1e-14)
    causal = [make(*args, 1, D, Grid(X=N), value_width=E, causal=True, **options) for args, options in
              ((("performer",), {"kind": "none"}), (("efficient",), {"eps": 0.0}))]
    assert torch.allclose(causal[0](q, k, v), causal[1](q, k, v), atol=1e-14)


@pytest.mark.parametrize("kind", ["positive", "trigonometric", "relu"])
def test_causal_row_by_row(kind: str) -> None:
    q, k, v = vectors()
    m = made(kind=kind, causal=True)
    w = m.mechanism.w
    phi_q = torch.stack([phi(kind, x, w, top(x[None], w)) for x in q])
    phi_k = torch.stack([phi(kind, x, w, 0.0) for x in k])
    a = m.map(*single(q, k, v)).dense()[0, 0]
    for i in range(N):
        row = from_similarity(dot, phi_q[i:i + 1], phi_k[:i + 1], eps=0)[0]
        assert torch.allclose(a[i, :i + 1], row, atol=1e-12) and a[i, i + 1:].abs().sum() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_future_changes_nothing(kind: str) -> None:
    """Not even by a key so large that it would be the largest of all."""
    q, k, v = (x.double() for x in torch.randn(3, 1, 1, 64, 16, generator=torch.Generator().manual_seed(0)))
    m = make("performer", 1, 16, Grid(X=64), kind=kind, causal=True).double()
    later = k.clone()
    later[..., -1, :] = 2 * m.mechanism.w[0]  # along a direction
    assert torch.equal(m(q, later, v)[..., :-1, :], m(q, k, v)[..., :-1, :])


def test_with_one_top_for_all_keys_the_future_leaks() -> None:
    """The fault of public code: the largest w.k runs over keys that a query has not seen, and eps shows it."""
    q, k, v = (x.double() for x in torch.randn(3, 1, 1, 64, 16, generator=torch.Generator().manual_seed(0)))
    whole = make("performer", 1, 16, Grid(X=64)).double().mechanism  # not causal: one top for all keys

    def leaky(k: Tensor) -> Tensor:
        return CausalFactored(Features(*whole.features(q, k)), Normaliser()).apply(v)[..., :-1, :]

    later = k.clone()
    later[..., -1, :] = 2 * whole.w[0]
    assert (leaky(later) - leaky(k)).abs().max() > 0.1
    ours = make("performer", 1, 16, Grid(X=64), causal=True).double()
    assert torch.equal(ours(q, later, v)[..., :-1, :], ours(q, k, v)[..., :-1, :])


@pytest.mark.parametrize("orthogonal", [True, False])
@pytest.mark.parametrize("kind", ["positive", "trigonometric"])
def test_the_mean_over_draws_is_the_exponential(kind: str, orthogonal: bool) -> None:
    """2,000 draws: phi(x).phi(y) over its mean square length is exp(x.y / sqrt(D)), within the error of the mean."""
    x = 0.5 * torch.randn(8, D, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    m = made(kind=kind, orthogonal=orthogonal, **({"floor": 0.0} if kind == "positive" else {})).mechanism
    w = []
    for seed in range(2000):
        m.redraw(seed)
        w.append(m.w.clone())
    projected, half = x @ torch.stack(w).mT * D ** -0.25, (x * x).sum(-1, keepdim=True) * D ** -0.5 / 2
    features = (projected - half).exp() if kind == "positive" else half.exp() * torch.cat(
        [projected.cos(), projected.sin()], dim=-1)
    taken_off = 1e-4 if kind == "positive" else 0.0  # the floor that `phi` has
    for token, found in zip(x, features[7]):
        assert torch.allclose(found, phi(kind, token, w[7], 0.0) - taken_off, atol=1e-12)
    draws, exact = features[:, :4] @ features[:, 4:].mT / M, (x[:4] @ x[4:].T * D ** -0.5).exp()
    error = draws.std(0) / math.sqrt(len(draws))
    assert bool(((draws.mean(0) - exact).abs() < 4 * error).all())


def test_directions() -> None:
    """Right angles within a block of D; lengths of Gaussian vectors, or all sqrt(D)."""
    def w(**options) -> Tensor:
        return make("performer", 1, 16, Grid(X=2), directions=40, **options).double().mechanism.w

    def angles(w: Tensor) -> Tensor:
        unit = w / w.norm(dim=-1, keepdim=True)
        return (unit @ unit.T - torch.eye(len(w))).abs()

    for scaling in (0, 1):
        for block in (slice(0, 16), slice(16, 32), slice(32, 40)):
            assert angles(w(scaling=scaling)[block]).max() < 1e-6
    assert angles(w())[:16, 16:].max() > 0.1 and angles(w(orthogonal=False)).max() > 0.3
    assert torch.allclose(w(scaling=1).norm(dim=-1), torch.tensor(4.0, dtype=torch.float64))
    assert torch.allclose(w(scaling=1, orthogonal=False).norm(dim=-1), torch.tensor(4.0, dtype=torch.float64))
    assert w().norm(dim=-1).std() > 0.3 and abs(w().norm(dim=-1).mean() - 4) < 0.5
    first = torch.stack([_redrawn(seed)[0] for seed in range(200)])
    assert 0.4 < (first > 0).double().mean() < 0.6, "the first direction prefers a side"


def _redrawn(seed: int) -> Tensor:
    m = made().mechanism
    m.redraw(seed)
    return m.w


def test_redraw() -> None:
    """Another draw is another map; the same seed is the same one; torch's generator is left alone."""
    q, k, v = single(*vectors())
    m = made()
    before, state = m.map(q, k, v).dense(), torch.get_rng_state()
    m.redraw(3)
    other = m.map(q, k, v).dense()
    m.redraw(4)
    m.redraw(3)
    assert torch.equal(m.map(q, k, v).dense(), other) and not torch.allclose(before, other)
    assert torch.equal(torch.get_rng_state(), state) and m.mechanism.w.dtype == torch.float64
    with pytest.raises(ValueError, match="no random parts"):
        make("performer", 1, D, Grid(X=N), kind="none").redraw(1)
    with pytest.raises(ValueError, match="no random parts"):
        make("linear", 1, D, Grid(X=N)).redraw(1)


def _error(kind: str, size: float, directions: int, orthogonal: bool = True) -> float:
    """Median over 20 draws of how far the map is from softmax's, relative to it; q and k of this size, D = 16."""
    x = torch.randn(3, 1, 1, 64, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    q, k, v = size * x[0], size * x[1], x[2]
    soft = make("softmax", 1, 16, Grid(X=64)).map(q, k, v).dense()
    m = make("performer", 1, 16, Grid(X=64), kind=kind, directions=directions, orthogonal=orthogonal).double()
    errors = []
    for seed in range(20):
        m.redraw(seed)
        errors.append((m.map(q, k, v).dense() - soft).norm() / soft.norm())
    return torch.stack(errors).median().item()


def test_positive_features_fail_gently_but_are_not_always_nearer() -> None:
    assert _error("trigonometric", 0.25, 64) < _error("positive", 0.25, 64) / 2
    assert _error("trigonometric", 1.5, 64) > 2 * _error("positive", 1.5, 64)
    assert _error("positive", 0.5, 16) > 1.5 * _error("positive", 0.5, 256)
    assert _error("positive", 0.5, 16) < _error("positive", 0.5, 16, orthogonal=False)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_laws_and_gradients(kind: str, causal: bool) -> None:
    options = {} if kind == "none" else {"directions": 3}
    holds("performer", kind=kind, causal=causal, **options)
    differentiates("performer", kind=kind, causal=causal, **options)


def test_large_q_and_k_do_not_overflow() -> None:
    q, k, v = (30 * x for x in single(*vectors()))
    for kind in KINDS:
        a = make("performer", 1, D, Grid(X=N), value_width=E, kind=kind).map(q.float(), k.float(), v.float())
        assert bool(torch.isfinite(a.dense()).all()), kind


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="kind is one of positive.*got 'cosine', 0, 5"):
        made(kind="cosine")
    with pytest.raises(ValueError, match="no floor and no directions; leave them out"):
        made(kind="none")
    with pytest.raises(ValueError, match="no floor; leave them out"):
        made(kind="trigonometric", floor=0.1)
