"""InLine, pair by pair; that it tells queries of one direction apart; its convolution made for one picture."""
import math

import pytest
import torch
from torch.nn.functional import conv2d

from linviz import Grid, make

from .loops import D, E, N, inner, mixed, single, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)
PHI = {"identity": lambda x: x, "relu": lambda x: max(x, 0.0), "leakyrelu": lambda x: x if x > 0 else 0.01 * x,
       "exp": math.exp, "elu1": lambda x: x + 1 if x > 0 else math.exp(x)}


@pytest.mark.parametrize("features", list(PHI))
def test_definition(features: str) -> None:
    q, k, v = vectors()
    phi_q, phi_k = ([[PHI[features](c) for c in x] for x in part.tolist()] for part in (q, k))
    mean = [sum(x[c] for x in phi_k) / N for c in range(D)]
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        for j in range(N):
            a[i, j] = 1 / N + D ** -0.5 / N * inner(phi_q[i], [x - y for x, y in zip(phi_k[j], mean, strict=True)])
    m = make("inline", 1, D, GRID, value_width=E, features=features)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("features", list(PHI))
def test_what_holds_for_every_map(features: str) -> None:
    holds("inline", features=features)
    holds("inline+conv", features=features)
    differentiates("inline", features=features)


def test_a_query_three_times_as_long_is_three_times_as_far_from_uniform() -> None:
    q, k, v = single(*vectors())
    m, relu = (make(name, 1, D, GRID, value_width=E) for name in ("inline", "relu"))
    once, thrice = m.map(q, k, v).dense(), m.map(3 * q, k, v).dense()
    assert torch.allclose(thrice - 1 / N, 3 * (once - 1 / N), atol=1e-12)
    assert torch.allclose(relu.map(q, k, v).dense(), relu.map(3 * q, k, v).dense(), atol=1e-5), "relu cannot tell"


def test_a_convolution_of_one_picture_each() -> None:
    grid = Grid(Y=3, X=4)
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 2, 2, 12, D, generator=generator, dtype=torch.float64)
    kernel = torch.randn(2, 2, D, 3, 3, generator=generator, dtype=torch.float64)
    m = make("inline", 2, D, grid)
    added = m(q, k, v, kernel=kernel) - m(q, k, v)
    for b in range(2):
        picture = v[b].mT.reshape(1, 2 * D, 3, 4)
        conv = conv2d(picture, kernel[b].view(2 * D, 1, 3, 3), padding=1, groups=2 * D)
        assert torch.allclose(added[b], conv.view(2, D, 12).mT, atol=1e-12)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="features is one of identity, relu"):
        make("inline", 1, D, GRID, features="square")
    with pytest.raises(ValueError, match="needs queries and keys on one grid"):
        make("inline+conv", 1, D, GRID, key_grid=Grid(X=2))
