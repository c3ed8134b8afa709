"""Keypoint attention, pair by pair, between two sets of different size."""
import torch

from linviz import Grid, make, read

from .loops import D, E, dot, elu_plus_one, from_similarity, inner, mixed, single, vectors
from .options import differentiates, holds


def test_definition() -> None:
    q, k, v = vectors()
    q = q[:4]
    a = from_similarity(lambda x, y: inner(elu_plus_one(x.tolist()), elu_plus_one(y.tolist())), q, k)
    m = make("keypoint", 1, D, Grid(X=4), key_grid=Grid(X=6), value_width=E)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)
    assert dot(a[0], torch.ones(6)) < 1


def test_what_holds_for_every_map() -> None:
    holds("keypoint", eps=0.0)
    holds("keypoint", grids=(Grid(X=7),), key_grid=Grid(X=4), eps=0.0)
    differentiates("keypoint")


def test_thousands_of_points_in_half_precision_do_not_overflow() -> None:
    """Each value is divided by S before it is summed: 60,000 times 100 points is more than float16 holds."""
    x = torch.ones(1, 1, 4000, 4)
    m = make("keypoint", 1, 4, Grid(X=4000))
    assert torch.isfinite(m(x.half(), x.half(), 60_000 * x.half())).all()


def test_the_rank_is_the_width_whatever_the_number_of_points() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(1, 1, n, 6, generator=generator, dtype=torch.float64) for n in (40, 30))
    assert read(make("keypoint", 1, 6, Grid(X=40), key_grid=Grid(X=30)), q, k, k).numerical_rank.item() == 6
