"""AFT-simple, channel by channel."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, N, single, vectors
from .options import differentiates, holds


def gated(q: torch.Tensor, o: torch.Tensor) -> torch.Tensor:
    """sigmoid(q) o, number by number."""
    return torch.tensor([[y / (1 + math.exp(-x)) for x, y in zip(*rows, strict=True)]
                         for rows in zip(q.tolist(), o.tolist(), strict=True)], dtype=torch.float64)


def definition(m, score, causal: bool) -> None:
    """o_ic = sigmoid(q_ic) sum_j exp(s_ijc) v_jc / sum_j exp(s_ijc), for scores s of pair and channel."""
    q, k, _ = vectors()
    v = vectors(1)[0]  # as wide as q
    tensors = single(q, k, v)
    o = torch.zeros(N, D, dtype=torch.float64)
    for c in range(D):
        a = torch.zeros(N, N, dtype=torch.float64)
        for i in range(N):
            seen = range(i + 1 if causal else N)
            total = sum(math.exp(score(k, i, j, c)) for j in seen)
            for j in seen:
                a[i, j] = math.exp(score(k, i, j, c)) / total
                o[i, c] += a[i, j] * v[j, c]
        assert torch.allclose(m.map(*tensors).channel(c).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*tensors)[0, 0], gated(q, o), atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_definition(causal: bool) -> None:
    definition(make("aft_simple", 1, D, Grid(X=N), causal=causal), lambda k, i, j, c: k[j, c].item(), causal)


@pytest.mark.parametrize("causal", [False, True])
def test_what_holds_for_every_map(causal: bool) -> None:
    holds("aft_simple", value_width=4, causal=causal)
    differentiates("aft_simple", causal=causal)


def test_the_query_does_not_choose_where_to_look() -> None:
    q, k, v = torch.randn(3, 1, 2, N, D, dtype=torch.float64)
    m = make("aft_simple", 2, D, Grid(X=N))
    for c in range(D):
        a = m.map(q, k, v).channel(c)
        assert torch.equal(a.dense(), m.map(-3 * q, k, v).channel(c).dense())
        assert torch.allclose(a.dense(), a.rows(torch.tensor([0])).expand(-1, -1, N, -1)) and a.rank_bound == 1


def test_causal_keys_far_apart_do_not_underflow() -> None:
    """The first row sees only the first key, and must give it all its weight however low that key lies."""
    q, k, v = torch.randn(3, 1, 1, N, D, dtype=torch.float64)
    k[..., 0, :] = -5000.0
    m = make("aft_simple", 1, D, Grid(X=N), causal=True)
    assert torch.allclose(m.map(q, k, v).apply(v)[..., 0, :], v[..., 0, :])
    assert torch.isfinite(m(q, k, v)).all()


def test_mistakes_get_a_sentence() -> None:
    x = torch.randn(1, 1, N, D)
    with pytest.raises(ValueError, match="one map per channel"):
        _ = read(make("aft_simple", 1, D, Grid(X=N)), x, x, x).map
    with pytest.raises(ValueError, match="6 queries and 3 keys"):
        make("aft_simple", 1, D, Grid(X=N), causal=True).map(x, x[..., :3, :], x[..., :3, :])
