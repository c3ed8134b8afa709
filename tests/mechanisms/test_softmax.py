"""Softmax attention, pair by pair."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors


def test_definition() -> None:
    q, k, v = vectors()
    a = from_similarity(lambda x, y: math.exp(dot(x, y) / math.sqrt(D)), q, k, eps=0)
    m = make("softmax", 1, D, Grid(X=N), value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_causal_row_by_row() -> None:
    q, k, v = vectors()
    m = make("softmax", 1, D, Grid(X=N), value_width=E, causal=True)
    a = m.map(*single(q, k, v)).dense()[0, 0]
    for i in range(N):
        row = from_similarity(lambda x, y: math.exp(dot(x, y) / math.sqrt(D)), q[i:i + 1], k[:i + 1], eps=0)
        assert torch.allclose(a[i, :i + 1], row[0], atol=1e-12)
        assert a[i, i + 1:].abs().sum() == 0
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_scale() -> None:
    q, k, v = vectors()
    m = make("softmax", 1, D, Grid(X=N), value_width=E, scale=2.0)
    a = from_similarity(lambda x, y: math.exp(2 * dot(x, y)), q, k, eps=0)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)


def test_large_scores_do_not_overflow() -> None:
    q, k, v = (x * 1e3 for x in vectors())
    a = make("softmax", 1, D, Grid(X=N), value_width=E).map(*single(q, k, v)).dense()
    assert bool(torch.isfinite(a).all()) and torch.allclose(a.sum(-1), torch.ones(1, dtype=torch.float64))


def test_a_bias_is_added_to_the_scores_and_can_forbid() -> None:
    q, k, v = vectors()
    bias = torch.arange(N * N, dtype=torch.float64).view(N, N) / 10
    bias[2, 1:] = -torch.inf
    m = make("softmax", 1, D, Grid(X=N), value_width=E)
    a = m.map(*single(q, k, v), bias=bias).dense()[0, 0]
    for i in range(N):
        weights = [math.exp(dot(q[i], k[j]) / math.sqrt(D) + bias[i, j].item()) for j in range(N)]
        assert torch.allclose(a[i], torch.tensor(weights, dtype=torch.float64) / sum(weights), atol=1e-12)
    assert a[2].tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert torch.allclose(m(*single(q, k, v), bias=bias)[0, 0], mixed(a, v), atol=1e-12)


def test_a_bias_does_not_go_into_boxes() -> None:
    q, k, v = vectors()
    with pytest.raises(ValueError, match="bias= cannot be combined with @rows"):
        make("softmax@rows", 1, D, Grid(X=N), value_width=E).map(*single(q, k, v), bias=torch.zeros(N, N))
