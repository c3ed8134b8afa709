"""One line for four: A = 1/N + c_i (p_ij - 1/N), with p the map of linear attention and c the contrast of a query.

c = 0 is uniform attention, 1 linear attention, z InLine, and 1 + z MALA, where z_i = D^-1/2 phi(q_i).mean phi(k).
"""
import pytest
import torch

from linviz import Grid, make
from linviz.contrast import PLACES, ContrastLine

GRID, H, D = Grid(T=2, Y=3, X=5), 2, 8
N = len(GRID)


def draw(size: float) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 2, H, N, D, generator=generator, dtype=torch.float64)
    return size * q, k, v


def table(name: str, size: float, **options) -> torch.Tensor:
    return make(name, H, D, GRID, **options).map(*draw(size)).dense()


def contrasts(size: float) -> dict[str, torch.Tensor]:
    """c of every query, (B, H, N, 1), by the formula."""
    q, k, _ = draw(size)
    phi_q, phi_k = (torch.where(x > 0, x + 1, x.exp()) for x in (q, k))
    z = (phi_q * phi_k.mean(-2, keepdim=True)).sum(-1, keepdim=True) / D ** 0.5
    return {"uniform": 0 * z, "linear": 0 * z + 1, "inline": z, "mala": 1 + z}


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
@torch.no_grad()
def test_four_methods_are_one_line(size: float) -> None:
    q, k, _ = draw(size)
    phi_q, phi_k = (torch.where(x > 0, x + 1, x.exp()) for x in (q, k))
    p = phi_q @ phi_k.mT
    p = p / p.sum(-1, keepdim=True)
    exact = {"uniform": {}, "linear": {"eps": 0.0}, "inline": {"features": "elu1"},
             "mala": {"rotate": False, "eps": 0.0}}
    published = {"linear": {}, "mala": {"rotate": False}}
    for name, c in contrasts(size).items():
        line = 1 / N + c * (p - 1 / N)
        assert (table(name, size, **exact[name]) - line).abs().max() <= 1e-12, name
        assert (table(name, size, **published.get(name, exact[name])) - line).abs().max() <= 1e-6, name


@pytest.mark.parametrize("size", [0.1, 1.0, 10.0])
@torch.no_grad()
def test_the_line_that_is_drawn_is_these_four(size: float) -> None:
    """ContrastLine at the place of a name is that mechanism's map, and its rows sum to one at any contrast."""
    q, k, _ = draw(size)
    line = ContrastLine.of(q, k)
    exact = {"uniform": {}, "linear": {"eps": 0.0}, "inline": {"features": "elu1"},
             "mala": {"rotate": False, "eps": 0.0}}
    for name, c in contrasts(size).items():
        assert torch.allclose(line.contrast(name), c, rtol=1e-12, atol=0)
        assert (line.map(line.contrast(name)).dense() - table(name, size, **exact[name])).abs().max() <= 1e-12, name
    between = line.map(0.5 * (line.contrast("uniform") + line.contrast("linear")))
    assert (between.dense().sum(-1) - 1).abs().max() <= 1e-12 and between.rank_bound == D + 1
    assert tuple(contrasts(size)) == PLACES
    with pytest.raises(ValueError, match="no place 'softmax' on the line of contrast; there are: uniform, linear"):
        line.contrast("softmax")


@torch.no_grad()
def test_contrast_grows_with_the_query_and_at_last_weights_are_negative() -> None:
    """A weight is negative exactly where p < (1 - 1/c) / N."""
    p = table("linear", 4.0, eps=0.0)
    for name, options in (("inline", {"features": "elu1"}), ("mala", {"rotate": False, "eps": 0.0})):
        c = contrasts(4.0)[name]
        assert bool((c > contrasts(1.0)[name]).float().mean() > 0.9)
        a = table(name, 4.0, **options)
        assert torch.equal(a < 0, p < (1 - 1 / c) / N) and bool((a < 0).any())
