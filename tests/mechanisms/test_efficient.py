"""Efficient attention, template by template."""
import math

import torch

from linviz import Grid, make

from .loops import D, E, N, mixed, single, vectors


def test_definition() -> None:
    q, k, v = vectors()
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        for j in range(N):
            for d in range(D):
                choice = math.exp(q[i, d]) / sum(math.exp(x) for x in q[i])
                template = math.exp(k[j, d]) / sum(math.exp(x) for x in k[:, d])
                a[i, j] += choice * template
    m = make("efficient", 1, D, Grid(X=N), value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_templates_and_context() -> None:
    q, k, v = vectors()
    m = make("efficient", 1, D, Grid(X=N), value_width=E).mechanism
    templates = m.templates(k[None, None])
    assert torch.allclose(templates.sum(-2), torch.ones(1, 1, D, dtype=torch.float64))
    assert torch.allclose(q[None, None].softmax(-1) @ m.context(k[None, None], v[None, None]),
                          make("efficient", 1, D, Grid(X=N), value_width=E)(*single(q, k, v)))
