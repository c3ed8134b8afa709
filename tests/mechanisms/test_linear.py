"""Linear attention (elu + 1), pair by pair, and causal row by row."""
import math

import torch

from linviz import Grid, make

from .loops import D, E, N, dot, from_similarity, mixed, single, vectors


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
