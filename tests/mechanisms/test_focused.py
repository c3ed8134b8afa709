"""Focused linear attention, pair by pair, and what its convolution adds."""
import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate

from linviz import Grid, make, read
from linviz.models import AttentionLayer

from .loops import D, E, N, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)


def f(tokens: list[list[float]], gamma: list[list[float]], power: float, per_head: bool) -> list[list[float]]:
    """One token, its heads in a list: power every number, keep the length, over all heads or head by head."""
    y = [[(max(x, 0) + 1e-6) / math.log(1 + math.exp(g)) for x, g in zip(*pair, strict=True)]
         for pair in zip(tokens, gamma, strict=True)]
    p = [[x**power for x in head] for head in y]

    def length(heads: list[list[float]]) -> float:
        return math.sqrt(sum(x * x for head in heads for x in head))
    groups = [[h] for h in range(len(y))] if per_head else [list(range(len(y)))]
    ratio = {h: length([y[g] for g in group]) / length([p[g] for g in group]) for group in groups for h in group}
    return [[x * ratio[h] for x in head] for h, head in enumerate(p)]


def case(heads: int = 2, **options):
    """An attention whose gamma and places are worth something, and its tensors."""
    m = make("focused", heads, D, GRID, value_width=E, **options).double()
    for n, p in enumerate((m.mechanism.gamma, m.mechanism.places)):
        torch.nn.init.normal_(p, generator=torch.Generator().manual_seed(n))
    each = [vectors(seed) for seed in range(heads)]
    return m, [torch.stack(x)[None] for x in zip(*each, strict=True)]


@pytest.mark.parametrize("per_head", [False, True])
@pytest.mark.parametrize("power", [3, 1.5])
def test_definition(per_head: bool, power: float) -> None:
    m, (q, k, v) = case(per_head=per_head, power=power)
    gamma = m.mechanism.gamma[:, 0].tolist()
    k_placed = k + m.mechanism.places.detach()
    phi_q, phi_k = ([f(x[0, :, i].tolist(), gamma, power, per_head) for i in range(N)] for x in (q, k_placed))
    for h in range(2):
        for i in range(N):
            weights = [sum(x * y for x, y in zip(phi_q[i][h], phi_k[j][h], strict=True)) for j in range(N)]
            row = torch.tensor([w / (sum(weights) + N * 1e-6) for w in weights], dtype=torch.float64)
            assert torch.allclose(m.map(q, k, v).dense()[0, h, i], row, atol=1e-12)
            assert torch.allclose(m(q, k, v)[0, h, i], row @ v[0, h], atol=1e-12)


@pytest.mark.parametrize("side", [1, 3, 5])
def test_definition_of_the_convolution(side: int) -> None:
    """o_i gains sum over the side x side patches around i of kernel times v, channel by channel, and a bias."""
    plain, (q, k, v) = case()
    m = make("focused+conv", 2, D, GRID, value_width=E, side=side).double()
    m.mechanism.gamma, m.mechanism.places = plain.mechanism.gamma, plain.mechanism.places
    torch.nn.init.normal_(m.mechanism.conv_bias)
    kernel, bias = m.mechanism.conv.detach(), m.mechanism.conv_bias.detach()
    out = plain(q, k, v)
    for h in range(2):
        for i in range(N):
            for c in range(E):
                for j in range(N):
                    down, across = j // 3 - i // 3 + side // 2, j % 3 - i % 3 + side // 2
                    if 0 <= down < side and 0 <= across < side:
                        out[0, h, i, c] += kernel[c, down, across] * v[0, h, j, c]
                out[0, h, i, c] += bias[c]
    assert torch.allclose(m(q, k, v), out, atol=1e-12)
    assert torch.equal(m.map(q, k, v).shared.dense(), plain.map(q, k, v).dense())


@pytest.mark.parametrize("options", [{}, {"per_head": True}, {"power": 2}])
def test_what_holds_for_every_map(options: dict) -> None:
    holds("focused", eps=0.0, **options)  # with eps rows fall short of one
    holds("focused+conv", side=3, eps=0.0, **options)
    differentiates("focused", **options)
    differentiates("focused+conv", side=3, **options)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_focus_sharpens_but_only_the_convolution_adds_rank() -> None:
    grid, D = Grid(Y=6, X=6), 8
    q, k, v = random(3, 1, 1, 36, D)
    readings = [read(make("focused", 1, D, grid, power=p), q, k, v) for p in (1, 3, 8)]
    bits = [r.entropy.mean().item() for r in readings]
    assert bits[0] > bits[1] > bits[2]
    assert [r.numerical_rank.item() for r in readings] == [D, D, D]
    with_conv = read(make("focused+conv", 1, D, grid).double(), q, k, v, channel=0)
    assert with_conv.numerical_rank.item() == 36 and with_conv.map.rank_bound == 36
    assert not with_conv.map.stochastic


def test_a_quiet_head_dies_unless_lengths_are_taken_head_by_head() -> None:
    """Lengths over all heads: a head 100 times quieter is cubed away, and falls under S 1e-6."""
    q, k, v = random(3, 1, 2, N, D).abs()
    q, k = (x * torch.tensor([1.0, 0.01])[:, None, None] for x in (q, k))
    together, apart = (read(make("focused", 2, D, GRID, per_head=p), q, k, v).dead for p in (False, True))
    assert bool(together[0, 1].all()) and not bool(together[0, 0].any()) and not bool(apart.any())


def test_fewer_keys_are_stretched_in_raster_order_before_the_convolution() -> None:
    """PVT form: against torch's own interpolation and convolution."""
    grid, keys = Grid(Y=4, X=6), Grid(Y=2, X=3)
    m = make("focused+conv", 1, D, grid, key_grid=keys, side=3).double()
    q, k, v = random(1, 1, 24, D), random(1, 1, 6, D), random(1, 1, 6, D, seed=1)
    wide = interpolate(v[0].mT, size=24, mode="linear").view(1, D, 4, 6)
    conv = conv2d(wide, m.mechanism.conv[:, None], padding=1, groups=D)
    assert torch.allclose(m.map(q, k, v).parts[1].apply(v)[0, 0], conv[0].flatten(1).T, atol=1e-12)
    holds("focused+conv", grids=(Grid(Y=4, X=6),), key_grid=keys, side=3, eps=0.0)


def test_reduced_keys_in_a_layer() -> None:
    layer = AttentionLayer("focused+conv", 2, 8, Grid(Y=4, X=5), reduction=2, side=3)
    x = torch.randn(2, 20, 8)
    assert layer.map(x).shape == (20, 4) and layer(x).shape == x.shape


def test_mistakes_get_a_sentence() -> None:
    for options, says in (({"power": 0}, "power is positive"), ({"side": 4}, "side odd"), ({"reduction": 3}, "3 rows")):
        with pytest.raises(ValueError, match=says):
            make("focused", 1, D, GRID, **options)
