"""Maps made of maps, sparse maps and scored maps, against their written-out tables."""
import pytest
import torch
from torch import Tensor

from linviz.maps import (
    Banded,
    Blocks,
    ByHead,
    Dense,
    Factored,
    FunctionScores,
    Map,
    PerChannel,
    Product,
    ReweightedTable,
    Sparse,
    Sum,
)

N, S, E = 5, 7, 3


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def table(heads: int, seed: int = 0) -> Dense:
    return Dense(random(2, heads, N, S, seed=seed).softmax(-1))


def thin(heads: int, seed: int = 0) -> Factored:
    return Factored(random(2, heads, N, 2, seed=seed), random(2, heads, S, 2, seed=seed + 9), stochastic=False)


def answers(a: Map, dense: Tensor, v: Tensor) -> None:
    """Everything a map answers, against its table."""
    assert torch.allclose(a.dense(), dense) and a.shape == tuple(dense.shape[-2:])
    assert torch.allclose(a.apply(v), dense @ v)
    assert torch.allclose(a.rows(torch.tensor([3, 0])), dense[..., [3, 0], :])
    assert torch.allclose(a.column_sums(), dense.sum(-2))
    s, full = a.singular_values(), torch.linalg.svdvals(dense)
    assert torch.allclose(s, full[..., :s.shape[-1]]) and bool((full[..., s.shape[-1]:] < 1e-12).all())
    assert int((full > 1e-12).sum(-1).max()) <= a.rank_bound


def test_heads_side_by_side() -> None:
    a, b = table(1), thin(2)
    both = ByHead((1, a), (2, b), (0, table(1)))
    answers(both, torch.cat([a.dense(), b.dense()], 1), random(2, 3, S, E))
    assert not both.stochastic and both.wire((1, 0))["kind"] == "rows" and both.wire((1, 2))["kind"] == "factored"
    assert torch.equal(both.wire((1, 2))["left"], b.left[1, 1])
    with pytest.raises(IndexError):
        both.wire((0, 3))


def test_sum_and_product() -> None:
    a, b = table(2), thin(2)
    answers(Sum(a, b), a.dense() + b.dense(), random(2, 2, S, E))
    assert Sum(a, b).wire()["kind"] == "sum" and not Sum(a, b).stochastic
    c = Dense(random(2, 2, S, 4).softmax(-1))
    answers(Product(a, c), a.dense() @ c.dense(), random(2, 2, 4, E))
    assert Product(a, c).stochastic and not Product(b, c).stochastic
    with pytest.raises(ValueError, match="got shapes"):
        Product(c, a)


def test_sparse_adds_what_is_named_twice() -> None:
    index, weights = torch.tensor([[0, 2, 2]] * N), random(2, 2, N, 3)
    dense = torch.zeros(2, 2, N, S, dtype=torch.float64)
    for i in range(N):
        for p in range(3):
            dense[..., i, index[i, p]] += weights[..., i, p]
    answers(Sparse(index, weights, S, stochastic=False), dense, random(2, 2, S, E))


@pytest.mark.parametrize("normaliser", ["softmax", "count", "none"])
def test_scored(normaliser: str) -> None:
    scores = random(2, 2, N, S)
    a = FunctionScores(lambda i: scores[..., i, :], (N, S), scores, normaliser)
    dense = {"softmax": scores.softmax(-1), "count": scores / S, "none": scores}[normaliser]
    answers(a, dense, random(2, 2, S, E))
    assert a.stochastic == (normaliser == "softmax")
    with pytest.raises(ValueError, match="'softmax', 'count' or 'none'"):
        FunctionScores(a.score, (N, S), scores, "sum")


@pytest.mark.parametrize("spread", [1.0, 2000.0])
def test_reweighed_and_one_map_a_channel(spread: float) -> None:
    """Both roads of the AFT map: exponentials that meet as a product, and row by row where that underflows."""
    bias, key = random(N, S) * spread, random(2, 2, E, S, seed=1)
    a, v = PerChannel(ReweightedTable(bias, key)), random(2, 2, S, E, seed=2)
    assert a.inner.safe == (spread < 10)
    assert a.shared is None
    for c in range(E):
        dense = (bias + key[:, :, c, None]).softmax(-1)
        answers(a.channel(c), dense, v)
        assert torch.allclose(a.apply(v)[..., [c]], dense @ v[..., [c]])
    with pytest.raises(ValueError, match="differs by channel"):
        a.dense()


def test_what_the_channels_share() -> None:
    a, own = table(2), PerChannel(ReweightedTable(random(N, S), random(2, 2, E, S)))
    both = Sum(a, own)
    assert both.shared is a and Sum(own).shared is None and Sum(a, thin(2)).shared is not None
    assert torch.allclose(both.channel(1).dense(), a.dense() + own.channel(1).dense())


def test_boxes_of_maps_with_channels() -> None:
    tokens = torch.arange(6).view(2, 3)
    inner = PerChannel(ReweightedTable(random(3, 3), random(4, 1, E, 3)))  # 2 clips of 2 boxes
    a = Blocks([(tokens, tokens, inner)], (6, 6))
    v = random(2, 1, 6, E)
    assert a.shared is None
    for c in range(E):
        assert torch.allclose(a.apply(v)[..., [c]], a.channel(c).dense() @ v[..., [c]])


@pytest.mark.parametrize("spread", [1.0, 2000.0])
@pytest.mark.parametrize("causal", [False, True])
def test_banded(spread: float, causal: bool) -> None:
    """A bias for the neighbours only, one number a key: both roads, and one map a channel."""
    index = torch.arange(S)[:, None] + torch.tensor([-1, 0, 1])
    inside = (index >= 0) & (index < S)
    index, bias = index.clamp(0, S - 1), (random(S, 3) * spread - 0.5) * inside
    key, v = random(2, 2, E, S, seed=1) * spread, random(2, 2, S, E, seed=2)
    table = torch.zeros(S, S, dtype=torch.float64)
    for i in range(S):
        for p in range(3):
            table[i, index[i, p]] += bias[i, p]
    if causal:
        table = table.masked_fill(torch.ones(S, S).triu(1).bool(), -torch.inf)
    a = PerChannel(Banded(index, bias, key, causal))
    assert a.inner.safe == (spread < 10)
    wire, table_of_one = a.channel(1).wire((1, 0)), a.channel(1).dense()[1, 0]
    if wire["kind"] == "sum":
        far, near = wire["parts"]
        sent = far["left"] @ far["right"].T + Sparse(near["index"], near["weights"], S, stochastic=False).dense()
        assert torch.allclose(sent, table_of_one, atol=1e-12)
    else:
        assert causal or spread > 10, "a short wire was possible"
        assert torch.equal(wire["rows"], table_of_one)
    for c in range(E):
        dense = (table + key[:, :, c, None]).softmax(-1)
        answers(a.channel(c), dense, v)
        assert torch.allclose(a.apply(v)[..., [c]], dense @ v[..., [c]])


def test_one_channel_of_any_map() -> None:
    """A map is cut along its channels: the same as all of its rows, one channel of them."""
    left, right = random(2, 2, E, N, 3), random(2, 2, 1, S, 3, seed=1)
    index = torch.tensor([[0, 2, 2]] * N)
    for inner in (Factored(left, right, stochastic=False), Sparse(index, random(2, 2, E, N, 3), S, stochastic=False),
                  Product(Dense(left.softmax(-1)), Dense(random(3, S), stochastic=False)),
                  ReweightedTable(random(N, S), random(2, 2, E, S))):
        for c in range(E):
            answers(PerChannel(inner).channel(c), inner.dense()[:, :, c], random(2, 2, S, E))
