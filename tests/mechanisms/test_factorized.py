"""Factorized attention, pair by pair, with each of its divisors."""
import math

import pytest
import torch

from linviz import Grid, make

from .loops import D, E, N, S, dot, mixed, single, vectors
from .options import differentiates, holds

DIVISORS = {"positions": S, "channels": D, "sqrt": math.sqrt(D)}


def made(**options):
    return make("factorized", 1, D, Grid(X=N), value_width=E, **options)


@pytest.mark.parametrize("scale", DIVISORS)
def test_definition(scale: str) -> None:
    q, k, v = vectors()
    a = torch.tensor([[dot(q[i], k[j]) / DIVISORS[scale] for j in range(S)] for i in range(N)], dtype=torch.float64)
    m = made(scale=scale)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_the_divisor_counts_keys_not_queries() -> None:
    q, k, v = vectors()
    more = torch.cat([q, q[:3]])
    m = make("factorized", 1, D, Grid(X=9), value_width=E, key_grid=Grid(X=S))
    assert abs(m.map(*single(more, k, v)).dense()[0, 0, 7, 2].item() - dot(q[1], k[2]) / S) < 1e-14


@pytest.mark.parametrize("scale", DIVISORS)
def test_causal_row_by_row(scale: str) -> None:
    q, k, v = vectors()
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        for j in range(i + 1):
            a[i, j] = dot(q[i], k[j]) / (i + 1 if scale == "positions" else DIVISORS[scale])
    m = made(scale=scale, causal=True)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


def test_the_softmax_version_is_efficient_attention() -> None:
    q, k, v = single(*vectors())
    ours, theirs = made(version="softmax"), make("efficient", 1, D, Grid(X=N), value_width=E)
    assert torch.equal(ours.map(q, k, v).dense(), theirs.map(q, k, v).dense())


def test_only_a_divisor_of_positions_keeps_the_size_of_the_output() -> None:
    """The same picture four times over: the mean over positions stays, a sum grows fourfold."""
    q, k, v = single(*vectors())
    for scale, growth in (("positions", 1), ("channels", 4), ("sqrt", 4)):
        m = made(scale=scale)
        assert torch.allclose(m(q, k.repeat(1, 1, 4, 1), v.repeat(1, 1, 4, 1)), growth * m(q, k, v))


@pytest.mark.parametrize("options", [{"scale": "positions"}, {"scale": "sqrt"}, {"version": "softmax"},
                                     {"scale": "channels", "causal": True}, {"causal": True}], ids=str)
def test_laws_and_gradients(options: dict) -> None:
    holds("factorized", **options)
    differentiates("factorized", **options)


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="one of positions, channels, sqrt; got 'dot' and 'rows'"):
        made(scale="rows")
    for options in ({"scale": "sqrt"}, {"causal": True}):
        with pytest.raises(ValueError, match="leave out scale and causal"):
            made(version="softmax", **options)
