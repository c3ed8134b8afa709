"""Fastmax, pair by pair; how far its polynomial can concentrate; what a longest token tells the past."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, E, N, inner, mixed, single, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


def divided(tokens: list[list[float]], centred: bool) -> list[list[float]]:
    if centred:
        tokens = [[c - sum(x) / D for c in x] for x in tokens]
    longest = max(math.sqrt(inner(x, x)) for x in tokens)
    return [[c / longest for c in x] for x in tokens]


@pytest.mark.parametrize("normalise", ["largest", "centred", "none"])
@pytest.mark.parametrize("power", [1, 2])
def test_definition(power: int, normalise: str) -> None:
    q, k, v = vectors()
    q_, k_ = (x.tolist() if normalise == "none" else divided(x.tolist(), normalise == "centred") for x in (q, k))
    scale = D ** -0.5 if normalise == "none" else 1
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        s = [scale * inner(q_[i], k_[j]) for j in range(N)]
        f = [1 + x + (x * x / 2 if power == 2 else 0) for x in s]
        for j in range(N):
            a[i, j] = f[j] / sum(f)
    m = make("fastmax", 1, D, GRID, value_width=E, power=power, normalise=normalise)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"power": 1}, {"normalise": "centred"}, {"power": 1, "normalise": "none"},
                                     {"normalise": "none", "scale": 0.1}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("fastmax", **options)
    if options.get("normalise") == "none":  # elsewhere the longest token changes from one to another: a kink
        differentiates("fastmax", **options)


def test_no_weight_of_a_row_is_more_than_five_times_another() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = 50 * torch.randn(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    weights = make("fastmax", 1, 8, Grid(Y=6, X=6)).map(q, k, v).dense()
    assert (weights.amax(-1) / weights.amin(-1)).max() <= 5 + 1e-9


@pytest.mark.parametrize("power, rank", [(1, 5), (2, 15)])
def test_the_rank_is_the_number_of_monomials(power: int, rank: int) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 4, generator=generator, dtype=torch.float64)
    r = read(make("fastmax", 1, 4, Grid(Y=6, X=6), power=power), q, k, v)
    assert r.numerical_rank.item() == rank == r.map.rank_bound


def test_a_longest_token_of_the_future_would_change_the_past() -> None:
    with pytest.raises(ValueError, match="a causal map must not know"):
        make("fastmax", 1, D, GRID, causal=True, normalise="largest")
    assert make("fastmax", 1, D, GRID, causal=True).mechanism.normalise == "none"


def test_mistakes_get_a_sentence() -> None:
    for options, says in (({"power": 3}, "power is 1 or 2"), ({"scale": 2.0}, "scale goes with normalise='none'")):
        with pytest.raises(ValueError, match=says):
            make("fastmax", 1, D, GRID, **options)
