"""Graph attention, edge by edge; the ranking that all queries share, and the form that has none."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, inner, mixed, single, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)
EDGES = torch.tensor([[0, 0, 0, 1, 2, 4, 4, 4], [0, 3, 5, 2, 2, 1, 1, 0]])  # 4 -> 1 twice; 3 and 5 have none


def rectified(x: float) -> float:
    return x if x > 0 else 0.2 * x


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_definition(given: bool, dynamic: bool) -> None:
    q, k, v = vectors()
    m = make("graph", 1, D, GRID, value_width=E, dynamic=dynamic).double()
    a = m.mechanism.a[0].tolist()
    b = [] if dynamic else m.mechanism.b[0].tolist()
    near = [(i, j) for i in range(6) for j in range(6) if abs(i % 3 - j % 3) < 2]
    pairs = list(zip(*EDGES.tolist(), strict=True)) if given else near
    table = torch.zeros(6, 6, dtype=torch.float64)
    for i in range(6):
        scores = []
        for _, j in (pair for pair in pairs if pair[0] == i):
            x, y = q[i].tolist(), k[j].tolist()
            scores.append((j, inner(a, [rectified(s + t) for s, t in zip(x, y, strict=True)]) if dynamic else
                           rectified(inner(a, x) + inner(b, y))))
        for j, e in scores:
            table[i, j] += math.exp(e) / sum(math.exp(other) for _, other in scores)
    context = {"edges": EDGES} if given else {}
    assert torch.allclose(m.map(*single(q, k, v), **context).dense()[0, 0], table, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v), **context)[0, 0], mixed(table, v), atol=1e-12)


@pytest.mark.parametrize("dynamic", [False, True])
def test_what_holds_for_every_map(dynamic: bool) -> None:
    holds("graph", dynamic=dynamic)
    differentiates("graph", dynamic=dynamic)


def test_all_queries_rank_their_neighbours_alike_unless_the_form_is_dynamic() -> None:
    """On the graph that joins all: the static form has one order of keys, the dynamic form several."""
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 12, 8, generator=generator, dtype=torch.float64)
    every = torch.cartesian_prod(torch.arange(12), torch.arange(12)).T
    orders = [make("graph", 1, 8, Grid(X=12), dynamic=dynamic).double().map(q, k, v, edges=every)
              .dense()[0, 0].argsort(-1).unique(dim=0).shape[0] for dynamic in (False, True)]
    assert orders[0] == 1 and orders[1] > 6


def test_on_a_clip_a_patch_is_joined_with_itself_one_frame_before_and_after() -> None:
    x = torch.ones(1, 1, 13, D)
    a = make("graph", 1, D, Grid(T=3, Y=2, X=2, prefix=1)).map(x, x, x).dense()[0, 0]
    seen = [[j for j in range(13) if a[i, j] > 0] for i in (0, 1, 6, 12)]
    assert seen == [[0], [1, 2, 3, 4, 5], [2, 5, 6, 7, 8, 10], [8, 9, 10, 11, 12]]


def test_a_query_without_an_edge_is_dead() -> None:
    q, k, v = single(*vectors())
    a = make("graph", 1, D, GRID, value_width=E).double().map(q, k, v, edges=EDGES)
    assert a.dense()[0, 0].sum(-1).tolist() == pytest.approx([1, 1, 1, 0, 1, 0])
    assert not torch.isnan(a.apply(v)).any()


def test_the_cost_grows_with_the_edges() -> None:
    q, k, v = torch.randn(3, 1, 1, 400, 4)
    a = make("graph", 1, 4, Grid(Y=20, X=20)).map(q, k, v)
    assert bool((a.weights > 0).sum(-1).max() == 9)
    assert read(make("graph", 1, 4, Grid(Y=20, X=20)), q, k, v).entropy.max() <= math.log2(9)


@pytest.mark.parametrize("edges, says", [(torch.zeros(3, 2, dtype=torch.long), "pairs"), (torch.zeros(2, 2), "whole"),
                                         (torch.tensor([[0, 6], [0, 0]]), "query 0..5"),
                                         (torch.tensor([[0], [-1]]), "keys -1..-1")])
def test_mistakes_get_a_sentence(edges: torch.Tensor, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make("graph", 1, D, GRID).map(*torch.randn(3, 1, 1, 6, D), edges=edges)
