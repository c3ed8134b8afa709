"""Efficient attention, template by template, in each of its forms."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, S, dot, mixed, single, vectors
from .options import differentiates, holds


def made(**options):
    return make("efficient", 1, D, Grid(X=N), value_width=E, **options)


@pytest.mark.parametrize(("before", "after"), [(1.0, 1.0), (D ** -0.25, 1.0), (1.0, D ** -0.5), (0.3, 2.0)])
def test_definition(before: float, after: float) -> None:
    q, k, v = vectors()
    a = torch.zeros(N, S, dtype=torch.float64)
    for i in range(N):
        for j in range(S):
            for d in range(D):
                choice = after * math.exp(before * q[i, d]) / sum(math.exp(before * x) for x in q[i])
                template = math.exp(before * k[j, d]) / sum(math.exp(before * x) for x in k[:, d])
                a[i, j] += choice * template
    m = made(before=before, after=after)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)
    assert torch.allclose(a.sum(-1), torch.tensor(after, dtype=torch.float64))
    assert m.map(*single(q, k, v)).stochastic == (after == 1.0)


def test_the_scaling_form_is_the_non_local_block() -> None:
    q, k, v = vectors()
    m = made(normalise="scale")
    a = torch.tensor([[dot(q[i] / math.sqrt(S), k[j] / math.sqrt(S)) for j in range(S)] for i in range(N)],
                     dtype=torch.float64)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert not m.map(*single(q, k, v)).stochastic
    dots = make("nonlocal", 1, D, Grid(X=N), value_width=E, similarity="dot")
    assert torch.allclose(m(*single(q, k, v)), dots(*single(q, k, v)), atol=1e-14)


def test_causal_row_by_row() -> None:
    q, k, v = vectors()
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        total = sum(math.exp(x) for x in q[i])
        row = [sum(math.exp(q[i, d]) / total * math.exp(k[j, d]) for d in range(D)) for j in range(i + 1)]
        a[i, :i + 1] = torch.tensor(row, dtype=torch.float64) / sum(row)
    m = made(causal=True)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"normalise": "scale"}], ids=str)
def test_templates_and_context(options: dict) -> None:
    q, k, v = single(*vectors())
    m = made(**options)
    templates, context = m.mechanism.templates(k), m.mechanism.context(k, v)
    assert torch.allclose(m.mechanism.choice(q, S) @ context, m(q, k, v))
    for d in range(D):
        assert torch.allclose(context[0, 0, d], sum(templates[0, 0, j, d] * v[0, 0, j] for j in range(S)))
    if not options:
        assert torch.allclose(templates.sum(-2), torch.ones(1, 1, D, dtype=torch.float64))


def test_it_is_not_softmax_and_flatter() -> None:
    """Rows of random q and k: less concentrated than softmax's, and never of more than rank D."""
    x = torch.randn(3, 1, 1, 64, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    soft, ours = (make(n, 1, 16, Grid(X=64)).map(*x) for n in ("softmax", "efficient"))
    assert ours.dense().amax(-1).mean() < soft.dense().amax(-1).mean() / 2
    assert int(torch.linalg.matrix_rank(ours.dense()[0, 0])) == 16 < int(torch.linalg.matrix_rank(soft.dense()[0, 0]))


@pytest.mark.parametrize("options", [{}, {"normalise": "scale"}, {"after": 0.5}, {"before": 0.5}, {"causal": True},
                                     {"causal": True, "after": 0.5, "before": 0.7}], ids=str)
def test_laws_and_gradients(options: dict) -> None:
    holds("efficient", **options)
    differentiates("efficient", **options)


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="normalise is softmax or scale.*got 'l2'"):
        made(normalise="l2")
    for options in ({"causal": True}, {"before": 2.0}, {"after": 2.0}):
        with pytest.raises(ValueError, match="leave out causal, before and after"):
            made(normalise="scale", **options)
