"""SLA, pair by pair: which blocks are kept, the two parts alone, and their mixture."""
import math

import pytest
import torch

from linviz import Grid, cost, make, read
from linviz.maps import FactoredBlocks, Tiles

from .loops import D, E, dot, elu_plus_one, inner, mixed, single
from .options import case, differentiates, holds

GRID = Grid(T=2, Y=3, X=3, prefix=1)
N = len(GRID)
PLACES = [(t, y, x) for t in range(2) for y in range(3) for x in range(3)]


def blocks_of(side: int, frames: int | None) -> list[int]:
    """Boxes of the grid, smaller at the right and lower border; the prefix token is the last block."""
    across, long = -(-3 // side), frames or 2
    numbers = [(t // long * across + y // side) * across + x // side for t, y, x in PLACES]
    return [max(numbers) + 1, *numbers]


def softmax(x: list[float]) -> list[float]:
    e = [math.exp(value - max(x)) for value in x]
    return [value / sum(e) for value in e]


PHI = {"softmax": softmax, "elu1": elu_plus_one, "relu": lambda x: [max(value, 0) for value in x]}


@pytest.mark.parametrize("features", PHI)
@pytest.mark.parametrize(("query_side", "frames"), [(None, 1), (1, 1), (3, None)])
@pytest.mark.parametrize("alpha", [0, 0.3, 1])
def test_definition(alpha: float, query_side: int | None, frames: int | None, features: str) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(N, w, generator=generator, dtype=torch.float64) for w in (D, D, E))
    m = make("sla", 1, D, GRID, value_width=E, alpha=alpha, keep=0.4, block=2, frames=frames, query_block=query_side,
             features=features)
    of_query, of_key = blocks_of(query_side or 2, frames), blocks_of(2, frames)
    count, phi = max(of_key) + 1, PHI[features]
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        mine = [m for m in range(N) if of_query[m] == of_query[i]]
        centre = sum(q[m] for m in mine) / len(mine)
        scores = []
        for c in range(count):
            theirs = [j for j in range(N) if of_key[j] == c]
            scores.append(dot(centre, sum(k[j] for j in theirs) / len(theirs) - k.mean(0)))
        kept = sorted(range(count), key=lambda c: -scores[c])[:max(1, int(0.4 * count))]
        near = [j for j in range(N) if of_key[j] in kept]
        far = [j for j in range(N) if of_key[j] not in kept]
        exact = {j: math.exp(dot(q[i], k[j]) / math.sqrt(D)) for j in near}
        rest = {j: inner(phi(q[i].tolist()), phi(k[j].tolist())) for j in far}
        share = alpha if sum(rest.values()) > 0 or alpha == 0 else 1
        for j in near:
            a[i, j] = share * exact[j] / sum(exact.values())
        for j in far:
            a[i, j] = (1 - share) * rest[j] / (sum(rest.values()) or 1)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{"alpha": 1}, {"alpha": 0}, {"features": "relu"}, {"keep": 1.0}, {"keep": 0.0},
                                     {"frames": None, "query_block": 1}], ids=str)
def test_what_holds_for_every_map(options: dict) -> None:
    holds("sla", dead=True, **{"block": 2, **options})


@pytest.mark.parametrize("options", [{"alpha": 1}, {"alpha": 0, "features": "elu1"}, {"alpha": 0.3}], ids=str)
def test_gradients(options: dict) -> None:
    """The choice of blocks has no gradient."""
    differentiates("sla", block=1, **options)


@torch.no_grad()
def test_keys_on_a_coarser_grid() -> None:
    m, (q, k, v) = case("sla", Grid(Y=4, X=4), key_grid=Grid(Y=2, X=2), block=1)
    assert torch.allclose(m.map(q, k, v).dense().sum(-1), torch.ones(2, 2, 16, dtype=torch.float64))


@torch.no_grad()
def test_the_two_parts_share_no_pair_and_the_mixture_is_theirs() -> None:
    both, (q, k, v) = case("sla", Grid(Y=8, X=8), alpha=0.3)
    few, rest = (make("sla", 2, 4, Grid(Y=8, X=8), value_width=3, alpha=alpha).map(q, k, v) for alpha in (1, 0))
    assert isinstance(few, Tiles) and isinstance(rest, FactoredBlocks)
    assert ((few.dense() > 0) != (rest.dense() > 0)).all()
    assert torch.allclose(both.map(q, k, v).dense(), 0.3 * few.dense() + 0.7 * rest.dense(), atol=1e-14)
    assert "entropy" in read(both, q, k, v).summary()  # together, too, they are shares


@torch.no_grad()
def test_a_query_that_keeps_all_blocks_has_no_linear_part() -> None:
    everything, (q, k, v) = case("sla", Grid(Y=4, X=4), block=2, keep=1.0)
    soft = make("softmax", 2, 4, Grid(Y=4, X=4), value_width=3).map(q, k, v)
    assert torch.allclose(everything.map(q, k, v).dense(), soft.dense(), atol=1e-14)
    alone, _ = case("sla", Grid(Y=4, X=4), block=2, keep=1.0, alpha=0)
    assert (alone.map(q, k, v).dense() == 0).all()


@torch.no_grad()
def test_the_rank_of_the_linear_part_grows_with_the_blocks_of_queries() -> None:
    m, (q, k, v) = case("sla", Grid(Y=8, X=8), alpha=0, width=3, query_block=4, block=2, features="elu1")
    a = m.map(q, k, v)
    ranks = torch.linalg.matrix_rank(a.dense())
    assert a.rank_bound == 4 * 3 and int(ranks.max()) > 3 and int(ranks.max()) <= 12


@torch.no_grad()
def test_fewer_blocks_are_less_work() -> None:
    x = torch.randn(1, 1, 256, 8)
    work = [cost.flops(make("sla", 1, 8, Grid(Y=16, X=16), keep=keep), x, x, x) for keep in (0.1, 0.5, 1.0)]
    soft = cost.flops(make("softmax", 1, 8, Grid(Y=16, X=16)), x, x, x)
    assert work == sorted(work) and work[0] < soft / 2


def test_mistakes_get_a_sentence() -> None:
    for options in ({"alpha": 2}, {"keep": -1}, {"block": 0}, {"frames": -1}, {"features": "cos"}):
        with pytest.raises(ValueError, match="alpha and keep lie from 0 to 1, block, frames"):
            make("sla", 1, D, GRID, **options)
