"""cosFormer, pair by pair: along the token number, by row and column, causal and across."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, dot, mixed, single, vectors
from .options import differentiates, holds


def weight(axes: str, x: tuple[int, int, int], y: tuple[int, int, int], grid: Grid) -> float:
    """The product of one cosine an axis: pi/2 times the share of the picture that lies between."""
    shares = [abs(a - b) / size for a, b, size in zip(x, y, (grid.T, grid.Y, grid.X), strict=True)]
    return math.prod(math.cos(math.pi / 2 * s) for s in shares[{"2d": 1, "3d": 0}[axes]:])


def by_hand(q, k, cosine, causal: bool = False, eps: float = 1e-6) -> torch.Tensor:
    """A_ij = relu(q_i).relu(k_j) cosine(i, j), over the sum of the keys seen, at least eps."""
    a = torch.zeros(len(q), len(k), dtype=torch.float64)
    for i in range(len(q)):
        seen = range(i + 1) if causal else range(len(k))
        s = [dot(q[i].clamp_min(0), k[j].clamp_min(0)) * cosine(i, j) for j in seen]
        for j in seen:
            a[i, j] = s[j] / max(sum(s), eps)
    return a


@pytest.mark.parametrize("causal", [False, True])
def test_definition(causal: bool) -> None:
    q, k, v = vectors()
    m = make("cosformer", 1, D, Grid(X=N), value_width=E, causal=causal)
    a = by_hand(q, k, lambda i, j: math.cos(math.pi * (i - j) / (2 * N)), causal)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_across_two_lengths() -> None:
    """M is the longer of the two: 4 queries look at 6 keys."""
    q, k, v = vectors()
    m = make("cosformer", 1, D, Grid(X=4), key_grid=Grid(X=6), value_width=E)
    a = by_hand(q[:4], k, lambda i, j: math.cos(math.pi * (i - j) / 12))
    assert torch.allclose(m.map(*single(q[:4], k, v)).dense()[0, 0], a, atol=1e-12)


@pytest.mark.parametrize("axes", ["2d", "3d"])
@pytest.mark.parametrize("causal", [False, True])
def test_by_row_and_column(axes: str, causal: bool) -> None:
    grid = Grid(T=2, Y=2, X=3)
    q, k, v = (torch.randn(12, w, dtype=torch.float64, generator=torch.Generator().manual_seed(w)) for w in (D, 5, E))
    k = k[:, :D]
    m = make("cosformer", 1, D, grid, value_width=E, axes=axes, causal=causal)
    a = by_hand(q, k, lambda i, j: weight(axes, grid.place(i), grid.place(j), grid), causal)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert m.mechanism.features_wide == D * {"2d": 4, "3d": 8}[axes]


def test_a_prefix_token_stands_in_the_middle() -> None:
    """It sees every corner alike: cos(pi/4 (1 - 1/2)) twice, for 2 x 2 patches."""
    ones = torch.ones(1, 1, 5, D, dtype=torch.float64)
    s = make("cosformer", 1, D, Grid(Y=2, X=2, prefix=1), axes="2d").mechanism.features(ones, ones)
    corner = math.cos(math.pi / 8) ** 2
    assert torch.allclose((s[0] @ s[1].mT)[0, 0, 0] / D, torch.tensor([1] + [corner] * 4, dtype=torch.float64))


def test_left_product_is_right_product() -> None:
    """(Q K^T) V with the table written out is Q (K^T V) with the brackets moved, as the official code has both."""
    q, k, v = single(*vectors())
    m = make("cosformer", 1, D, Grid(X=N), value_width=E)
    phi_q, phi_k = m.mechanism.features(q, k)
    table = phi_q @ phi_k.mT
    left = table / table.sum(-1, keepdim=True).clamp_min(1e-6) @ v
    assert torch.allclose(left, m(q, k, v), atol=1e-14)
    assert torch.allclose(m.map(q, k, v).dense() @ v, m(q, k, v), atol=1e-14)


def test_the_cosine_doubles_the_rank() -> None:
    x = torch.rand(3, 1, 1, 64, D, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ranks = [int(torch.linalg.matrix_rank(make(n, 1, D, Grid(Y=8, X=8), **o).map(*x).dense()[0, 0]))
             for n, o in (("relu", {}), ("cosformer", {}), ("cosformer", {"axes": "2d"}))]
    assert ranks == [D, 2 * D, 4 * D]


def test_a_picture_has_no_order() -> None:
    """Along the token number the patch below is a row away and the first of the next row is a neighbour."""
    ones, grid = torch.ones(1, 1, 64, D, dtype=torch.float64), Grid(Y=8, X=8)
    end, below, next_row = (grid.number(0, *p) for p in ((3, 7), (4, 7), (4, 0)))
    raster, plane = (make("cosformer", 1, D, grid, axes=axes).map(ones, ones, ones).dense()[0, 0, end]
                     for axes in ("1d", "2d"))
    assert raster[next_row] > raster[below] and plane[next_row] < plane[below]


def test_a_query_without_a_positive_channel_is_dead() -> None:
    q, k, v = vectors()
    q[2] = -q[2].abs()
    r = read(make("cosformer", 1, D, Grid(X=N), value_width=E), *single(q, k, v))
    assert bool(r.dead[0, 0, 2]) and r.output[0, 0, 2].abs().sum() == 0


@pytest.mark.parametrize("options", [{}, {"axes": "2d"}, {"axes": "3d"}, {"causal": True},
                                     {"axes": "2d", "causal": True}], ids=str)
def test_laws_and_gradients(options: dict) -> None:
    holds("cosformer", grids=(Grid(X=5), Grid(T=2, Y=3, X=3), Grid(T=2, Y=3, X=1, prefix=1)), dead=True, **options)
    differentiates("cosformer", **options)


@pytest.mark.parametrize("axes", ["1d", "2d", "3d"])
def test_step_by_step(axes: str) -> None:
    grid, state, out = Grid(T=2, Y=1, X=3), None, []
    q, k, v = single(*vectors())
    m = make("cosformer", 1, D, grid, value_width=E, axes=axes, causal=True)
    for token in zip(*(x.split(1, -2) for x in (q, k, v)), strict=True):
        state, o = m.step(state, *token)
        out.append(o)
    assert torch.allclose(torch.cat(out, -2), m(q, k, v), rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="all of them have been seen"):
        m.step(state, *token)


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="axes is one of 1d, 2d, 3d; got '4d'"):
        make("cosformer", 1, D, Grid(X=N), axes="4d")
    q, k, v = single(*vectors())
    with pytest.raises(ValueError, match="uses the positions of its tokens"):
        make("cosformer", 1, D, Grid(Y=2, X=4), value_width=E, axes="2d").map(q, k, v)
