"""Linformer, summary by summary: sharing, and where the projection sits."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors
from .options import differentiates, holds

K = 3


def made(heads: int = 1, **options):
    return make("linformer", heads, D, Grid(X=N), value_width=E, length=K, **options).double()


def squeezed(table: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """sum_j table_nj x_j, one summary after the other."""
    return torch.stack([sum(table[n, j] * x[j] for j in range(len(x))) for n in range(len(table))])


def softmax(q: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    return from_similarity(lambda x, y: math.exp(dot(x, y) / math.sqrt(D)), q, k, eps=0)


@pytest.mark.parametrize("share", ["none", "heads", "kv"])
@torch.no_grad()
def test_definition(share: str) -> None:
    heads = 2
    m = made(heads, share=share)
    per_head = [vectors(seed) for seed in range(heads)]
    q, k, v = (torch.stack([h[n] for h in per_head])[None] for n in range(3))
    e, f = m.mechanism.E, m.mechanism.F
    assert e.shape[0] == (heads if share == "none" else 1) and (e is f) == (share == "kv")
    for h in range(heads):
        E_h, F_h = e[h % len(e)], f[h % len(f)]
        p = softmax(q[0, h], squeezed(E_h, k[0, h]))
        a = torch.tensor([[sum(p[i, n] * F_h[n, j] for n in range(K)) for j in range(N)] for i in range(N)],
                         dtype=torch.float64)
        assert torch.allclose(m.map(q, k, v).dense()[0, h], a, atol=1e-12)
        assert torch.allclose(m.map(q, k, v).left[0, h], p, atol=1e-12)
        assert torch.allclose(m(q, k, v)[0, h], mixed(p, squeezed(F_h, v[0, h])), atol=1e-12)


@torch.no_grad()
def test_before_the_layers_or_after_them() -> None:
    """Without a bias both are the same; with one they differ, since rows of E do not sum to one."""
    x = torch.randn(1, N, D, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for bias in (False, True):
        layers = [torch.nn.Linear(D, width, bias=bias).double() for width in (D, D, E)]
        heads = [lambda x, layer=layer: layer(x)[:, None] for layer in layers]
        keys, tokens = made(), made(where="tokens")
        tokens.mechanism.tie(keys.mechanism)
        q, k, v = tokens.project(x, *heads)
        assert k.shape == (1, 1, K, D) and tokens.map(q, k, v).shape == (N, K) and tokens.map(q, k, v).stochastic
        small = squeezed(keys.mechanism.E[0], x[0])
        assert torch.allclose(k[0, 0], torch.stack([layers[1](row) for row in small]), atol=1e-12)
        assert torch.allclose(tokens(q, k, v), keys(*keys.project(x, *heads))) == (not bias)


@torch.no_grad()
def test_the_shares_of_summaries_are_no_shares_of_tokens() -> None:
    """P is a table of shares; P F has negative weights and rows that sum to anything."""
    q, k, v = single(*vectors())
    a = made().map(q, k, v)
    assert torch.allclose(a.left.sum(-1), torch.ones(1, dtype=torch.float64)) and bool((a.left > 0).all())
    assert not a.stochastic and bool((a.dense() < 0).any())
    assert bool(((a.dense().sum(-1) - 1).abs() > 0.1).all())
    assert a.rank_bound == K == int(torch.linalg.matrix_rank(a.dense()[0, 0]))


def test_softmax_has_full_rank_until_it_is_trained() -> None:
    """Random scores: rank N exactly, and the sum of the first quarter of the singular values far from all of it."""
    x = torch.randn(2, 1, 1, 128, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    s = make("softmax", 1, 32, Grid(X=128)).map(x[0], x[1], x[1]).singular_values()[0, 0]
    assert int((s > 1e-12 * s[0]).sum()) == 128
    share, energy = s[:32].sum() / s.sum(), s[:32].square().sum() / s.square().sum()
    assert share < 0.8 < energy


@pytest.mark.parametrize("share", ["none", "heads", "kv"])
def test_laws_and_gradients(share: str) -> None:
    holds("linformer", share=share, length=K)
    holds("linformer@space", share=share, length=2)
    differentiates("linformer", share=share, length=K)


def test_tied_layers_learn_together() -> None:
    one, two = made(), made()
    two.mechanism.tie(one.mechanism)
    assert two.mechanism.E is one.mechanism.E and two.mechanism.F is one.mechanism.F


def test_refusals_say_what_to_do() -> None:
    q, k, v = single(*vectors())
    with pytest.raises(ValueError, match="share is none, heads or kv.*got 'all'"):
        made(share="all")
    with pytest.raises(ValueError, match="there are no heads yet"):
        made(share="none", where="tokens")
    with pytest.raises(ValueError, match="takes 3 summaries as k and v; got 6"):
        made(where="tokens").map(q, k, v)
    with pytest.raises(ValueError, match="6 keys on .*; got 6 and 4"):
        made().map(q, k[..., :4, :], v[..., :4, :])
    with pytest.raises(ValueError, match="no causal form"):
        made(causal=True)
    with pytest.raises(ValueError, match="one shape"):
        made().mechanism.tie(made(share="none", heads=2).mechanism)
