"""RALA, pair by pair; its key weights; the product with a function of x in a layer."""
import math

import pytest
import torch

from linviz import Grid, make, read
from linviz.models import AttentionLayer

from .loops import D, E, N, elu_plus_one, inner, mixed, single, turned, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


@pytest.mark.parametrize("rotate", [True, False])
def test_definition(rotate: bool) -> None:
    q, k, v = vectors()
    phi_q, phi_k = ([elu_plus_one(x) for x in part.tolist()] for part in (q, k))
    g = [sum(x[c] for x in phi_q) / N for c in range(D)]
    fit = [math.exp(inner(g, phi_k[j]) / math.sqrt(D)) for j in range(N)]
    w = [N * f / sum(fit) for f in fit]
    a = torch.zeros(N, N, dtype=torch.float64)
    for i in range(N):
        total = sum(w[j] * inner(phi_q[i], phi_k[j]) for j in range(N)) + N * 1e-6
        for j in range(N):
            left, right = phi_q[i], phi_k[j]
            if rotate:
                left, right = turned(left, [i // 3, i % 3]), turned(right, [j // 3, j % 3])
            a[i, j] = w[j] * inner(left, right) / total
    m = make("rala", 1, D, GRID, value_width=E, rotate=rotate)
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"rotate": False}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("rala", eps=0.0, **options)
    holds("rala+conv", eps=0.0, side=3, **options)
    differentiates("rala", **options)


def test_key_weights_do_not_raise_the_rank_of_the_map() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 1, 1, 36, 8, generator=generator, dtype=torch.float64)
    assert read(make("rala", 1, 8, Grid(Y=6, X=6)), q, k, v).numerical_rank.item() == 8


def test_in_a_layer_the_product_starts_as_the_identity_and_then_multiplies_channel_by_channel() -> None:
    x = torch.randn(2, 6, 8)
    layer, plain = (AttentionLayer("rala", 2, 8, GRID, modulate=on) for on in (True, False))
    plain.load_state_dict({name: x for name, x in layer.state_dict().items() if "modulate" not in name})
    assert torch.equal(layer(x), plain(x))
    torch.nn.init.normal_(layer.attention.mechanism.modulate.weight)
    o = layer.attention(*layer.qkv(x)).transpose(1, 2).flatten(2)
    assert torch.allclose(layer(x), layer.out(o * layer.attention.mechanism.modulate(x)), atol=1e-6)
