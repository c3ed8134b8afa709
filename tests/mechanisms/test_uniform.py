"""Uniform attention, pair by pair."""
import torch

from linviz import Grid, make

from .loops import D, E, N, from_similarity, mixed, single, vectors


def test_definition() -> None:
    q, k, v = vectors()
    a = from_similarity(lambda x, y: 1.0, q, k, eps=0)
    m = make("uniform", 1, D, Grid(X=N), value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v))
    assert torch.allclose(m(*single(q, k, v))[0, 0], v.mean(0).expand(N, E))
