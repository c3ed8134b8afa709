"""DAPE V2, pair by pair; the leak that appears when the future is masked too late."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import inner, mixed
from .options import differentiates, holds

HEADS, D, N, INSIDE = 2, 4, 6, 5
GRID = Grid(X=N)


def leaky(x: float) -> float:
    return x if x > 0 else 0.01 * x


def convolved(x: list[list[float]], weight: list, bias: list[float]) -> list[list[float]]:
    """Channels of one row of scores, each a list over keys: three taps, zero outside."""
    def tap(c: int, j: int) -> float:
        return x[c][j] if 0 <= j < N else 0.0
    return [[b + sum(w[c][0][t] * tap(c, j + t - 1) for c in range(len(x)) for t in range(3)) for j in range(N)]
            for w, b in zip(weight, bias, strict=True)]


def position(m, h: int, i: int, j: int) -> float:
    d = abs(i - j)
    if m.bias == "alibi":
        return -2.0 ** (-8 * (h + 1) / HEADS) * d
    if m.bias == "kerple":
        return -max(m.p[h].item(), 0.01) * math.log(1 + max(m.a[h].item(), 0.01) * d)
    c = m.c.item()
    x = math.log(1 + abs(c * d)) / (math.log(1 + abs(c * max(i, m.L.item()))) + 1e-6)
    w, b, w2, b2 = (p.tolist() for p in m.mlp.parameters())
    return inner(w2[h], [leaky(row[0] * x + shift) for row, shift in zip(w, b, strict=True)]) + b2[h]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("bias", ["alibi", "kerple", "fire"])
def test_definition(bias: str, causal: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, HEADS, N, D, generator=generator, dtype=torch.float64)
    attention = make("dape", HEADS, D, GRID, bias=bias, causal=causal, channels_inside=INSIDE).double()
    m = attention.mechanism
    if bias == "fire":
        m.L.data.fill_(3.0)
    first, second = ((x.weight.tolist(), x.bias.tolist()) for x in (m.first, m.second))
    a = torch.zeros(HEADS, N, N, dtype=torch.float64)
    for i in range(N):
        seen = range(i + 1) if causal else range(N)
        s = [[inner(q[0, h, i].tolist(), k[0, h, j].tolist()) / math.sqrt(D) for j in range(N)] for h in range(HEADS)]
        b = [[position(m, h, i, j) for j in range(N)] for h in range(HEADS)]
        inside = convolved([[x if j in seen else 0.0 for j, x in enumerate(row)] for row in s + b], *first)
        f = convolved([[leaky(x) for x in row] for row in inside], *second)
        for h in range(HEADS):
            weights = [math.exp(s[h][j] + b[h][j] + f[h][j]) if j in seen else 0.0 for j in range(N)]
            for j in range(N):
                a[h, i, j] = weights[j] / sum(weights)
    assert torch.allclose(attention.map(q, k, v).dense()[0], a, atol=1e-10)
    for h in range(HEADS):
        assert torch.allclose(attention(q, k, v)[0, h], mixed(a[h], v[0, h]), atol=1e-10)


@pytest.mark.parametrize("options", [{}, {"bias": "kerple"}, {"bias": "fire"}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("dape", channels_inside=3, **options)
    differentiates("dape", channels_inside=2, **options)


@pytest.mark.parametrize("tril, leaks", [(True, False), (False, True)])
def test_masking_after_the_convolution_only_lets_the_future_leak(tril: bool, leaks: bool) -> None:
    q, k, v = torch.randn(3, 1, HEADS, N, D, dtype=torch.float64)
    m = make("dape", HEADS, D, GRID, causal=True, tril=tril).double()
    before = m(q, k, v)[..., :4, :]
    k[..., 4:, :] += 3
    assert torch.allclose(m(q, k, v)[..., :4, :], before, atol=1e-12) != leaks


def test_mistakes_get_a_sentence() -> None:
    for options, says in (({"bias": "sine"}, "bias is one of alibi"), ({"side": 4}, "side odd")):
        with pytest.raises(ValueError, match=says):
            make("dape", HEADS, D, GRID, **options)
