"""Schemes against softmax with a mask, layer by layer: who may see whom, written out from the definitions."""
import pytest
import torch
from torch.nn.functional import layer_norm, linear

from linviz import Grid
from linviz.maps import Product
from linviz.models import SCHEMES, Scheme, count_pairs, visible_pairs

GRID = Grid(T=3, Y=4, X=5)
Place = tuple[int, int, int]
SEES = {  # may token (t, y, x) see (u, z, w)? one rule a layer
    "joint": [lambda a, b: True],
    "space": [lambda a, b: a[0] == b[0]],
    "divided": [lambda a, b: a[1:] == b[1:], lambda a, b: a[0] == b[0]],
    "axial": [lambda a, b: (a[0], a[2]) == (b[0], b[2]), lambda a, b: a[:2] == b[:2], lambda a, b: a[1:] == b[1:]],
    "local_global": [lambda a, b: (a[1] // 2, a[2] // 3) == (b[1] // 2, b[2] // 3),
                     lambda a, b: all((x - y) % 2 == 0 for x, y in zip(a, b, strict=True))],
    "hybrid": [lambda a, b: a[0] == b[0], lambda a, b: a[0] >= b[0]],  # by hand in test_hybrids.py
}
ONE_MECHANISM = [scheme for scheme in SCHEMES if scheme != "hybrid"]


def masks(scheme: str, grid: Grid = GRID) -> list[torch.Tensor]:
    places = [grid.place(i) for i in range(len(grid))]
    return [torch.tensor([[rule(a, b) for b in places] for a in places]) for rule in SEES[scheme]]


def clip(grid: Grid = GRID) -> torch.Tensor:
    return torch.randn(2, len(grid), 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("scheme", ONE_MECHANISM)
@torch.no_grad()
def test_a_scheme_is_masked_softmax_layer_by_layer(scheme: str) -> None:
    model, x = Scheme(scheme, "softmax", 2, 8, GRID).double(), clip()
    expected, maps = x, []
    for layer, mask in zip(model.layers, masks(scheme), strict=True):
        y = layer_norm(expected, (8,))
        q, k, v = (linear(y, m.weight, m.bias).unflatten(-1, (2, 4)).transpose(1, 2)
                   for m in (layer.to_q, layer.to_k, layer.to_v))
        maps.append((q @ k.mT / 2).masked_fill(~mask, -torch.inf).softmax(-1))
        expected = expected + layer.out((maps[-1] @ v).transpose(1, 2).flatten(2))
    assert torch.allclose(model(x), expected, atol=1e-12)
    for ours, theirs in zip(model.maps(x), maps, strict=True):
        assert torch.allclose(ours.dense(), theirs, atol=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("grid", [GRID, Grid(T=1, Y=3, X=3), Grid(T=4, Y=1, X=2), Grid()], ids=str)
def test_who_sees_whom_and_how_many_pairs(scheme: str, grid: Grid) -> None:
    if grid == GRID:
        assert all(torch.equal(ours, theirs)
                   for ours, theirs in zip(visible_pairs(scheme, grid), masks(scheme), strict=True))
    if scheme in ONE_MECHANISM:
        assert count_pairs(scheme, grid) == sum(table.sum().item() for table in visible_pairs(scheme, grid))


def test_pairs_a_token() -> None:
    """As the table says: T + Y X for divided, Y + X + T for axial, N / 4 + N / 8 for local and global."""
    grid = Grid(T=8, Y=14, X=14)
    N = len(grid)
    each = {scheme: count_pairs(scheme, grid) / N for scheme in ONE_MECHANISM}
    assert each == {"joint": N, "space": 196, "divided": 8 + 196, "axial": 14 + 14 + 8, "local_global": N / 4 + N / 8}


@torch.no_grad()
def test_divided_is_a_product_of_two_maps_not_one_with_a_mask() -> None:
    """After both layers every token has reached every other, yet neither layer had N^2 pairs."""
    time, space = Scheme("divided", "softmax", 2, 8, GRID).double().maps(clip())
    both = Product(space, time)
    assert both.stochastic and bool((both.dense() > 0).all())
    assert bool((time.dense() == 0).any()) and bool((space.dense() == 0).any())
    assert count_pairs("divided", GRID) < count_pairs("joint", GRID)


@torch.no_grad()
@pytest.mark.parametrize(("scheme", "alike"), [("space", True), ("divided", False), ("axial", False), ("joint", False)])
def test_space_alone_never_sees_time(scheme: str, alike: bool) -> None:
    """Change the last frame: the first one stays as it was if, and only if, time is never looked at."""
    model, x = Scheme(scheme, "softmax", 2, 8, GRID).double(), clip()
    other = x.clone()
    other[:, -20:] += 1.0 * torch.arange(8.0)
    assert torch.allclose(model(x)[:, :20], model(other)[:, :20]) == alike


@pytest.mark.parametrize("spec", ["relu_floor+gate", "linear+shift:space", "efficient", "aft_full", "kronecker_kv"])
def test_a_scheme_takes_any_mechanism(spec: str) -> None:
    for scheme in ONE_MECHANISM:
        model, x = Scheme(scheme, spec, 4, 16, GRID), torch.randn(1, len(GRID), 16)
        assert model(x).shape == x.shape


def test_prefix_tokens_take_part() -> None:
    grid = Grid(T=2, Y=2, X=2, prefix=1)
    for scheme in ONE_MECHANISM:
        model, x = Scheme(scheme, "softmax", 2, 8, grid), torch.randn(1, 9, 8)
        assert model(x).shape == x.shape and bool(visible_pairs(scheme, grid)[0][0].all())


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="no scheme called 'dividid'; there are: joint, space, divided"):
        Scheme("dividid", "softmax", 2, 8, GRID)
    with pytest.raises(ValueError, match="leave out @rows"):
        Scheme("axial", "softmax@rows", 2, 8, GRID)
