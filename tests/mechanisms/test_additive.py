"""Additive attention, pair by pair: a decoder of N states looks at a sentence of S words."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, dot, mixed, single, vectors
from .options import differentiates, holds

WORDS = 9


def sentence(seed: int = 0) -> tuple[torch.Tensor, ...]:
    """q (N, D) of the decoder, k (S, D) and v (S, E) of the encoder."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(n, w, generator=generator, dtype=torch.float64)
                 for n, w in ((N, D), (WORDS, D), (WORDS, E)))


def by_hand(q, k, w, causal: bool = False) -> torch.Tensor:
    a = torch.zeros(len(q), len(k), dtype=torch.float64)
    for i in range(len(q)):
        seen = range(i + 1) if causal else range(len(k))
        e = [sum(w[d].item() * math.tanh(q[i, d] + k[j, d]) for d in range(D)) for j in seen]
        for j in seen:
            a[i, j] = math.exp(e[j]) / sum(math.exp(x) for x in e)
    return a


@torch.no_grad()
def test_definition() -> None:
    q, k, v = sentence()
    m = make("additive", 1, D, Grid(X=N), key_grid=Grid(X=WORDS), value_width=E).double()
    a = by_hand(q, k, m.mechanism.w[0])
    assert m.map(*single(q, k, v)).shape == (N, WORDS)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@torch.no_grad()
def test_causal_row_by_row() -> None:
    q, k, v = vectors()
    m = make("additive", 1, D, Grid(X=N), value_width=E, causal=True).double()
    a = by_hand(q, k, m.mechanism.w[0], causal=True)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)


@torch.no_grad()
def test_each_head_has_its_own_weights() -> None:
    m = make("additive", 2, D, Grid(X=N), value_width=E).double()
    q, k, v = (x.expand(-1, 2, -1, -1) for x in single(*vectors()))
    a = m.map(q, k, v).dense()[0]
    for h in range(2):
        assert torch.allclose(a[h], by_hand(q[0, 0], k[0, 0], m.mechanism.w[h]), atol=1e-12)


@torch.no_grad()
def test_without_the_tanh_every_query_looks_at_the_same_place() -> None:
    """w.(q_i + k_j): the part of i cancels in the softmax. With the tanh it does not."""
    q, k, v = sentence()
    m = make("additive", 1, D, Grid(X=N), key_grid=Grid(X=WORDS), value_width=E).double()
    w = m.mechanism.w[0]
    plain = torch.tensor([[dot(w, q[i] + k[j]) for j in range(WORDS)] for i in range(N)]).softmax(-1)
    assert torch.allclose(plain, plain[:1].expand_as(plain), atol=1e-6)
    a = m.map(*single(q, k, v)).dense()[0, 0]
    assert (a - a[:1]).abs().max() > 0.05


@torch.no_grad()
def test_scores_are_bounded_however_large_q_and_k() -> None:
    q, k, v = single(*vectors())
    m = make("additive", 1, D, Grid(X=N), value_width=E).double()
    a, most = m.map(100 * q, 100 * k, v).dense(), m.mechanism.w.abs().sum()
    assert bool((a >= math.exp(-2 * most) / N).all())


def test_laws_and_gradients() -> None:
    holds("additive", key_grid=Grid(X=7))
    holds("additive", causal=True)
    differentiates("additive")
    differentiates("additive", causal=True)


def test_it_has_no_kernel_to_gate() -> None:
    with pytest.raises(ValueError, match="additive has none"):
        make("additive+gate", 1, D, Grid(X=N))
