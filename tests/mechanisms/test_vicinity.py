"""Vicinity attention, pair by pair; its clamps, its keys on a coarser grid, its connection around the layer."""
import math

import pytest
import torch

from linviz import Grid, make, read
from linviz.models import AttentionLayer

from .loops import D, E, N, dot, mixed, single, vectors
from .options import differentiates, holds

GRID = Grid(Y=2, X=3)
EPS = 1e-4


def nearness(i: int, j: int, form: str, keys: Grid = GRID) -> float:
    """Between query i of GRID and key j of its own grid."""
    down = math.pi / 2 * ((i // 3) / 2 - (j // keys.X) / keys.Y)
    across = math.pi / 2 * ((i % 3) / 3 - (j % keys.X) / keys.X)
    return math.cos(down) + math.cos(across) if form == "sum" else math.cos(down) * math.cos(across)


def table(q: torch.Tensor, k: torch.Tensor, form: str, keys: Grid = GRID) -> torch.Tensor:
    a = torch.zeros(len(q), len(k), dtype=torch.float64)
    for i in range(len(q)):
        weights = [dot(q[i].relu(), k[j].relu()) * nearness(i, j, form, keys) for j in range(len(k))]
        for j, w in enumerate(weights):
            a[i, j] = w / (sum(weights) + EPS)
    return a


@pytest.mark.parametrize("form", ["sum", "product"])
def test_definition(form: str) -> None:
    q, k, v = vectors()
    a = table(q, k, form)
    m = make("vicinity", 1, D, GRID, value_width=E, form=form).double()
    assert torch.allclose(m.map(*single(q, k, v)).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*single(q, k, v))[0, 0], mixed(a, v), atol=1e-12)


@pytest.mark.parametrize("form", ["sum", "product"])
def test_keys_on_a_coarser_grid(form: str) -> None:
    """Both grids span the same picture: places are shares of a side, not patches."""
    q, k, v = vectors()
    keys = Grid(Y=2, X=1)
    m = make("vicinity", 1, D, GRID, value_width=E, form=form, key_grid=keys).double()
    assert torch.allclose(m.map(*single(q, k[:2], v[:2])).dense()[0, 0], table(q, k[:2], form, keys), atol=1e-12)


@pytest.mark.parametrize("form", ["sum", "product"])
def test_what_holds_for_every_map(form: str) -> None:
    holds("vicinity", form=form, dead=True, eps=0.0)  # with eps rows fall short of one
    differentiates("vicinity", form=form)


def test_the_end_of_a_row_keeps_half_and_the_opposite_corner_almost_nothing() -> None:
    """With equal features: the end of the same row keeps half of the bracket, the opposite corner next to nothing."""
    grid = Grid(Y=20, X=20)
    x = torch.ones(1, 1, len(grid), 2, dtype=torch.float64)
    for form, end, corner in (("sum", 0.5, 0.1), ("product", 0.1, 0.01)):
        row = make("vicinity", 1, 2, grid, form=form).double().map(x, x, x).rows(torch.tensor([0]))[0, 0, 0]
        end_of_row, opposite = row[19] / row[0], row[399] / row[0]
        assert abs(end_of_row.item() - end) < 0.05 or form == "product" and end_of_row < end
        assert opposite < corner


def test_four_times_the_rank() -> None:
    grid = Grid(Y=5, X=5)
    q, k, v = torch.randn(3, 1, 1, 25, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for form in ("sum", "product"):
        assert read(make("vicinity", 1, 3, grid, form=form).double(), q, k, v).numerical_rank.item() == 12
    assert read(make("relu", 1, 3, grid), q, k, v).numerical_rank.item() == 3


def test_a_prefix_token_sits_in_the_middle() -> None:
    grid = Grid(Y=4, X=4, prefix=1)
    x = torch.ones(1, 1, 17, 2, dtype=torch.float64)
    row = make("vicinity", 1, 2, grid).double().map(x, x, x).dense()[0, 0, 0, 1:].view(4, 4)
    assert row.argmax() == 10 and torch.allclose(row, row.T)  # patch (2, 2), whose angles are pi/4


def test_clip_raises_what_is_small() -> None:
    """Five clamps to [1e-4, 1e4], signs kept, number by number; the map stays that of the formula."""
    q, k, v = (0.01 * x for x in vectors())
    m, bare = (make("vicinity", 1, D, GRID, value_width=E, clip=clip).double() for clip in (True, False))
    assert not m.linear and bare.linear

    def clamp(x: float) -> float:
        return math.copysign(min(max(abs(x), 1e-4), 1e4), x) if x else 0.0
    phi_q, phi_k = (x[0, 0] for x in m.features(*single(q, k, v))[:2])
    context = [[clamp(sum(phi_k[j, f].item() * v[j, e].item() for j in range(N))) for e in range(E)]
               for f in range(4 * D)]
    out = torch.zeros(N, E, dtype=torch.float64)
    for i in range(N):
        share = clamp(1 / (sum(dot(phi_q[i], phi_k[j]) for j in range(N)) + EPS))
        for e in range(E):
            out[i, e] = clamp(clamp(sum(phi_q[i, f].item() * context[f][e] for f in range(4 * D))) * share)
    ours = m(*single(q, k, v))
    assert torch.allclose(ours[0, 0], out, atol=1e-15)
    assert not torch.allclose(ours, bare(*single(q, k, v)), rtol=0.1)
    assert torch.equal(m.map(*single(q, k, v)).dense(), bare.map(*single(q, k, v)).dense())
    assert torch.equal(read(m, *single(q, k, v)).output, ours)
    halves = m(*single(q, k, v)) + m(*single(q, k, -v))
    assert torch.allclose(halves, torch.zeros_like(halves)) and not torch.allclose(m(*single(q, k, 2 * v)), 2 * ours)


def test_clip_changes_nothing_where_sizes_are_near_one() -> None:
    tensors = [x.abs() + 0.5 for x in single(*vectors())]
    m, bare = (make("vicinity", 1, D, GRID, value_width=E, clip=clip).double() for clip in (True, False))
    assert torch.allclose(m(*tensors), bare(*tensors), atol=1e-14)


@pytest.mark.parametrize("clip", [False, True])
def test_the_connection_around_the_layer(clip: bool) -> None:
    """y (1 + sigmoid(W2 relu(W1 mean x))), channel by channel; under clip sizes are clamped before and after."""
    layer = AttentionLayer("vicinity", 2, 8, GRID, clip=clip).double()
    x = torch.randn(2, 6, 8, dtype=torch.float64)
    m = layer.attention.mechanism
    y = layer.out(layer.attention(*layer.qkv(x)).transpose(1, 2).flatten(2))
    for b in range(2):
        hidden = (m.squeeze.weight @ x[b].mean(0)).relu()
        kept = 1 + 1 / (1 + (-(m.excite.weight @ hidden)).exp())
        assert torch.allclose(layer(x)[b], y[b] * kept)


def test_reduced_keys_in_a_layer() -> None:
    """Prefix tokens stay, every frame is shrunk by itself, and an odd last row is dropped."""
    grid = Grid(T=2, Y=5, X=4, prefix=1)
    layer = AttentionLayer("vicinity", 2, 8, grid, reduction=2).double()
    x = torch.randn(1, len(grid), 8, dtype=torch.float64)
    q, k, v = layer.qkv(x)
    assert (q.shape[2], k.shape[2]) == (41, 1 + 2 * 2 * 2) and layer(x).shape == x.shape
    shrink = layer.attention.mechanism.shrink
    assert torch.allclose(k[:, :, 0], layer.to_k(x[:, 0]).unflatten(-1, (2, -1)))
    patch = x[0, [1 + 20, 1 + 21, 1 + 24, 1 + 25]].view(2, 2, 8)  # frame 1, the first 2 x 2
    one = torch.einsum("oiyx,yxi->o", shrink.conv.weight, patch) + shrink.conv.bias
    assert torch.allclose(shrink(x)[0, 5], shrink.norm(one))


def test_mistakes_get_a_sentence() -> None:
    for options, says in (({"form": "mean"}, "form is 'sum' or 'product'"), ({"reduction": 4}, "4 rows and columns"),
                          ({"reduction": 0}, "reduction is 1 or more")):
        with pytest.raises(ValueError, match=says):
            make("vicinity", 1, D, GRID, **options)
    for options in ({"clip": True}, {"reduction": 2}, {"key_grid": Grid(X=2)}):
        with pytest.raises(ValueError, match="leave out @window"):
            make("vicinity@window:2", 1, D, GRID, **options)
    with pytest.raises(ValueError, match="uses the positions of its tokens"):
        make("vicinity", 1, D, GRID).map(*[torch.rand(1, 1, 5, D)] * 3)
