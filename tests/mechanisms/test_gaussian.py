"""Gaussian attention, pair by pair: as weights and as the logits of the official code."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, mixed, single
from .options import differentiates, holds

GRID = Grid(T=2, Y=2, X=3)
N = len(GRID)
PLACES = [(t / 2, y / 3, x / 3) for t in range(2) for y in range(2) for x in range(3)]


@pytest.mark.parametrize("distance", ["l1", "l2"])
@pytest.mark.parametrize("form", ["weights", "logits"])
def test_definition(form: str, distance: str) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(N, w, generator=generator, dtype=torch.float64) for w in (D, D, E))
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        steps = [[abs(x - y) for x, y in zip(PLACES[i], PLACES[j], strict=True)] for j in range(N)]
        d = [sum(s) if distance == "l1" else math.sqrt(sum(x * x for x in s)) for s in steps]
        g = [math.exp(-x * x / (2 * 0.3**2)) for x in d]
        w = [math.exp(x) for x in g] if form == "logits" else g
        for j in range(N):
            a[i, j] = w[j] / sum(w)
    m = make("gaussian", 1, D, GRID, value_width=E, sigma=0.3, form=form, distance=distance)
    assert torch.allclose(m.double().map(*single(q, k, v)).dense()[0, 0], a, atol=1e-7)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-7)


@pytest.mark.parametrize("options", [{}, {"form": "logits"}, {"learned": True, "sigma": 0.5}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("gaussian", **options)
    differentiates("gaussian", **{"sigma": 0.5} | options)


def test_as_logits_no_weight_is_more_than_e_times_another() -> None:
    x = torch.zeros(1, 4, 64, 8, dtype=torch.float64)
    weights, logits = (make("gaussian", 4, 8, Grid(Y=8, X=8), sigma=0.02, form=form).map(x, x, x)
                       for form in ("weights", "logits"))
    rows = logits.dense()
    assert (rows.amax(-1) / rows.amin(-1)).max() <= math.e + 1e-9
    assert torch.allclose(weights.dense()[0, 0], torch.eye(64, dtype=torch.float64), atol=1e-6)
    assert (rows[0, 0].diagonal() < 0.05).all()


def test_widths_double_from_head_to_head() -> None:
    x = torch.zeros(1, 3, 64, 8)
    bits = read(make("gaussian", 3, 8, Grid(Y=8, X=8), sigma=0.1), x, x, x).entropy.mean(-1)[0].tolist()
    assert bits == sorted(bits) and bits[2] - bits[0] > 1
    assert make("gaussian", 3, 8, GRID).mechanism.sigma.tolist() == pytest.approx([0.05, 0.1, 0.2])


def test_points_of_two_bodies_do_not_see_each_other() -> None:
    points = torch.tensor([[0.0, 0, 0], [0.1, 0, 0], [0, 0, 0], [5, 5, 5]])
    x = torch.zeros(1, 1, 4, D)
    parts = torch.tensor([0, 0, 1, -1])
    a = make("gaussian", 1, D, Grid(X=4)).map(x, x, x, positions=points, parts=parts).dense()[0, 0]
    assert a[0, 2] == 0 and a[2].tolist() == [0, 0, 1, 0] and a[3].tolist() == [0.25] * 4


def test_mistakes_get_a_sentence() -> None:
    for options, says in (({"sigma": 0.0}, "sigma is positive"), ({"form": "odd"}, "form one of weights, logits")):
        with pytest.raises(ValueError, match=says):
            make("gaussian", 1, D, GRID, **options)
    with pytest.raises(ValueError, match=r"one for each of 12 queries and 12 keys; got \(5, 3\)"):
        make("gaussian", 1, D, GRID).map(*torch.zeros(3, 1, 1, N, D), positions=torch.zeros(5, 3))
