"""PolaFormer, pair by pair: who is like me, who is my opposite."""
import math

import torch

from linviz import Grid, make, read

from .loops import D, E, N, inner, single, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


def test_definition() -> None:
    """Values of width 3: two channels for the same sign, one for the opposite."""
    q, k, v = vectors()
    m = make("pola", 1, D, GRID, value_width=E).double()
    for n, p in enumerate(m.parameters()):
        torch.nn.init.normal_(p, generator=torch.Generator().manual_seed(n))
    P, gamma, places = (x[0].tolist() for x in (m.mechanism.P, m.mechanism.gamma, m.mechanism.places))
    power = [1 + 4 / (1 + math.exp(-p)) for p in P[0]]
    scale = [math.log(1 + math.exp(g)) for g in gamma[0]]

    def halves(x: list[float]) -> tuple[list[float], list[float]]:
        y = [c / s for c, s in zip(x, scale, strict=True)]
        return [max(c, 0) ** p for c, p in zip(y, power, strict=True)], [max(-c, 0) ** p
                                                                         for c, p in zip(y, power, strict=True)]
    queries = [halves(x) for x in q.tolist()]
    keys = [halves([c + t for c, t in zip(x, places[j], strict=True)]) for j, x in enumerate(k.tolist())]
    out = torch.zeros(N, E, dtype=torch.float64)
    for c in range(E):
        a = torch.zeros(N, N, dtype=torch.float64)
        for i, (up, down) in enumerate(queries):
            first, second = (up, down) if c < 2 else (down, up)
            weights = [inner(first, plus) + inner(second, minus) for plus, minus in keys]
            for j in range(N):
                a[i, j] = weights[j] / (sum(weights) + N * 1e-6)
                out[i, c] += a[i, j] * v[j, c]
        assert torch.allclose(m.map(*single(q, k, v)).channel(c).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], out, atol=1e-12)


def test_what_holds_for_every_map() -> None:
    holds("pola", eps=0.0, dead=True)  # of a single pair only one of the two maps has a weight
    holds("pola+conv", eps=0.0, side=3, dead=True)
    differentiates("pola")


def test_the_two_maps_divide_the_pairs_that_softmax_ranks() -> None:
    """A key like the query is lit in the first map and not at all in the second; its opposite the other way round."""
    x = torch.tensor([[3.0, -3.0, 2.0, -2.0], [-3.0, 3.0, -2.0, 2.0]])[None, None]
    a = make("pola", 1, 4, Grid(X=2)).map(x, x, x)
    assert torch.allclose(a.channel(0).dense()[0, 0], torch.eye(2), atol=1e-6)
    assert torch.allclose(a.channel(3).dense()[0, 0], torch.eye(2).flip(0), atol=1e-6)


def test_the_length_of_a_query_counts_once_powers_differ() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    m = make("pola", 1, 8, Grid(Y=6, X=6), eps=0.0).double()

    def bits() -> list[float]:
        return [read(m, s * q, k, v, channel=0).entropy.mean().item() for s in (1, 8)]
    equal = bits()
    torch.nn.init.normal_(m.mechanism.P, generator=generator)
    differing = bits()
    assert abs(equal[0] - equal[1]) < 1e-9 and differing[0] - differing[1] > 0.1
    assert read(m, q, k, v, channel=0).numerical_rank.item() == 16
