"""MALA, pair by pair; its contrast; what rotation does to its rows."""
import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, elu_plus_one, inner, mixed, single, turned, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)
ROOT = D ** -0.5


@pytest.mark.parametrize("rotate", [True, False])
def test_definition(rotate: bool) -> None:
    """Width 4: channels 0 and 1 turn by the row, 2 and 3 by the column."""
    q, k, v = vectors()
    phi_q, phi_k = ([elu_plus_one(x) for x in part.tolist()] for part in (q, k))
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        z = ROOT * sum(inner(phi_q[i], phi_k[m]) for m in range(N)) / N
        for j in range(N):
            left, right = phi_q[i], phi_k[j]
            if rotate:
                left, right = turned(left, [i // 3, i % 3]), turned(right, [j // 3, j % 3])
            a[i, j] = ROOT / N * (1 + 1 / (z + 1e-6)) * inner(left, right) - z / N
    m = make("mala", 1, D, GRID, value_width=E, rotate=rotate)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_without_rotation_it_is_linear_attention_with_more_contrast() -> None:
    """A = 1/N + (1 + z)(p - 1/N), and rows sum to one."""
    q, k, v = single(*vectors())
    a = make("mala", 1, D, GRID, value_width=E, rotate=False, eps=0.0).map(q, k, v).dense()
    p = make("linear", 1, D, GRID, value_width=E, eps=0.0).map(q, k, v).dense()
    phi = [torch.nn.functional.elu(x) + 1 for x in (q, k)]
    z = ROOT * phi[0] @ phi[1].mean(-2, keepdim=True).mT
    assert torch.allclose(a, 1 / N + (1 + z) * (p - 1 / N), atol=1e-12)
    assert torch.allclose(a.sum(-1), torch.ones(1, 1, N, dtype=torch.float64), atol=1e-12)


def test_a_longer_query_has_more_contrast_and_linear_attention_hardly_reacts() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.rand(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    m, linear = make("mala", 1, 8, Grid(Y=6, X=6), rotate=False), make("linear", 1, 8, Grid(Y=6, X=6))
    spread = [[one.map(s * q, k, v).dense().std().item() for s in (1, 16)] for one in (m, linear)]
    assert spread[0][1] > 4 * spread[0][0] and spread[1][1] < 2 * spread[1][0]
    with pytest.raises(ValueError, match="negative|signed"):
        read(m, 16 * q, k, v).entropy  # noqa: B018


@pytest.mark.parametrize("options", [{}, {"rotate": False}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("mala", **options)
    holds("mala+conv", side=3, **options)
    differentiates("mala", **options)
    differentiates("mala+conv", side=3, **options)


def test_the_rank_is_one_above_linear_attention() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    r = read(make("mala", 1, 8, Grid(Y=6, X=6)), q, k, v)
    assert r.numerical_rank.item() == 9 == r.map.rank_bound


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="side of the convolution must be odd; got 4"):
        make("mala+conv", 1, D, GRID, side=4)
    with pytest.raises(ValueError, match=r"\+gate needs the features"):
        make("mala+gate", 1, D, GRID)
