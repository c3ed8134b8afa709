"""What mechanisms share, against torch's own convolution, interpolation and plain loops."""
import pytest
import torch
from torch.nn.functional import conv2d, interpolate

from linviz import Grid
from linviz.maps import Depthwise, PerChannel, window_indices
from linviz.mechanisms._branches import (
    SpatialReduction,
    step_count,
    step_indices,
    upsampling_map,
)

GRID = Grid(T=2, Y=3, X=4, prefix=2)


def test_around_names_the_square_in_the_frame() -> None:
    for side in (1, 3, 5):
        index, inside = window_indices(GRID, side)
        assert index.shape == inside.shape == (len(GRID), side * side) and not bool(inside[:2].any())
        for i in range(2, len(GRID)):
            t, y, x = GRID.place(i)
            for p in range(side * side):
                z, w = y + p // side - side // 2, x + p % side - side // 2
                here = 0 <= z < 3 and 0 <= w < 4
                assert inside[i, p] == here and (not here or index[i, p] == GRID.number(t, z, w))


def test_depthwise_is_a_convolution_with_zeros_outside() -> None:
    H, E = 2, 3
    kernel, v = torch.randn(H, E, 3, 3), torch.randn(2, H, len(GRID), E)
    a = Depthwise(kernel, GRID, 2)
    picture = GRID.fold(v).permute(0, 2, 1, 5, 3, 4).reshape(4, H * E, 3, 4)  # (B*T, H*E, Y, X)
    expected = conv2d(picture, kernel.reshape(-1, 1, 3, 3), padding=1, groups=H * E)
    expected = GRID.unfold(expected.view(2, 2, H, E, 3, 4).permute(0, 2, 1, 4, 5, 3))
    assert torch.allclose(a.apply(v)[:, :, 2:], expected, atol=1e-5)
    assert bool((a.apply(v)[:, :, :2] == 0).all())
    assert torch.allclose(a.channel(1).dense() @ v[..., [1]], a.apply(v)[..., [1]], atol=1e-5)


def test_stretch_is_linear_interpolation() -> None:
    v = torch.randn(1, 5, 2, dtype=torch.float64)
    for queries in (5, 9, 20):
        a = upsampling_map(5, queries, v)
        assert torch.allclose(a.apply(v), interpolate(v.mT, size=queries, mode="linear").mT) and a.stochastic


def test_apart_reads_one_entry_a_step() -> None:
    small, built = Grid(T=2, Y=2, X=3), Grid(T=2, Y=3, X=3)
    index = step_indices(small.places(), small.places(), built)
    table = {}
    for i in range(len(small)):
        for j in range(len(small)):
            step = tuple(b - a for a, b in zip(small.place(i), small.place(j), strict=True))
            assert table.setdefault(step, index[i, j].item()) == index[i, j]
    assert len(set(table.values())) == len(table) and max(table.values()) < step_count(built)
    assert table[0, 0, 0] == step_count(built) // 2


def test_shrink_keeps_prefix_tokens() -> None:
    shrink, x = SpatialReduction(6, 2, GRID), torch.randn(2, len(GRID), 6)
    assert shrink.onto == Grid(T=2, Y=1, X=2, prefix=2)
    assert torch.equal(shrink(x)[:, :2], x[:, :2]) and shrink(x).shape == (2, len(shrink.onto), 6)


@pytest.mark.parametrize("shape", [(2, 3, 3, 3), (2, 2, 3, 5, 5), (2, 3, 2, 2), (2, 3, 1, 1)], ids=str)
def test_depthwise_is_its_sparse_map(shape: tuple[int, ...]) -> None:
    """Output and gradients; a kernel per clip, and one with an even side, too; alone, and after another map."""
    draw = torch.Generator().manual_seed(0)
    kernel = torch.randn(shape, generator=draw, dtype=torch.float64, requires_grad=True)
    for before in (None, upsampling_map(5, len(GRID), kernel)):
        keys = len(GRID) if before is None else 5
        v = torch.randn(2, 2, keys, 3, generator=draw, dtype=torch.float64, requires_grad=True)
        a = Depthwise(kernel, GRID, 2, before)
        assert a.shape == (len(GRID), keys) and a.lead == (2, 2) and a.shared is None
        found = []
        for o in (a.apply(v), PerChannel(a.maps).apply(v)):
            found.append((o, *torch.autograd.grad(o.square().sum(), (kernel, v))))
        assert all(torch.allclose(x, y, atol=1e-12) for x, y in zip(*found, strict=True))
        with pytest.raises(ValueError, match="differs by channel"):
            a.rows(0)
