"""AFT-conv, pair by pair."""
import math

import pytest
import torch

from linviz import Grid, make, read

from .loops import D, dot, mixed, single, vectors
from .options import differentiates, holds
from .test_aft_simple import gated

GRID = Grid(Y=2, X=3)


def built(grid: Grid = GRID, **options):
    """An AFT-conv with a kernel that is worth something."""
    m = make("aft_conv", 1, D, grid, **options).double()
    torch.nn.init.normal_(m.mechanism.kernel, generator=torch.Generator().manual_seed(1))
    torch.nn.init.normal_(m.mechanism.reader, generator=torch.Generator().manual_seed(2))
    return m


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("side", [1, 3, 5])
def test_definition(causal: bool, side: int) -> None:
    (q, k, _), v = vectors(), vectors(1)[0]
    m = built(side=side, causal=causal)
    kernel, reader = m.mechanism.kernel[0].detach(), m.mechanism.reader[0].detach()
    a = torch.zeros(6, 6, dtype=torch.float64)
    for i in range(6):
        for j in range(i + 1 if causal else 6):
            down, across = j // 3 - i // 3 + side // 2, j % 3 - i % 3 + side // 2
            near = 0 <= down < side and 0 <= across < side
            a[i, j] = math.exp(dot(reader, k[j]) + (kernel[down, across] if near else 0))
        a[i] /= a[i].sum()
    tensors = single(q, k, v)
    assert torch.allclose(m.map(*tensors).dense()[0, 0], a, atol=1e-12)
    assert torch.allclose(m(*tensors)[0, 0], gated(q, mixed(a, v)), atol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_what_holds_for_every_map(causal: bool) -> None:
    holds("aft_conv", value_width=4, side=3, causal=causal)
    differentiates("aft_conv", side=3, causal=causal)


def test_the_same_kernel_at_every_place_and_in_every_frame() -> None:
    m = built(Grid(T=2, Y=3, X=3), side=3)
    x = torch.zeros(1, 1, 18, D, dtype=torch.float64)
    a = m.map(x, x, x).dense()[0, 0]
    middle, kernel = a[4, :9], m.mechanism.kernel[0].detach().flatten().exp()
    assert torch.allclose(middle / middle[0], kernel / kernel[0])
    assert torch.allclose(a[13, 9:], middle) and torch.allclose(a[4, 9:], a[4, 9].expand(9))  # the other frame is far


def test_a_head_has_one_map_and_it_can_be_read() -> None:
    x = torch.randn(1, 1, 6, D, dtype=torch.float64)
    assert read(built(), x, x, x).entropy.shape == (1, 1, 6)


def test_mistakes_get_a_sentence() -> None:
    with pytest.raises(ValueError, match="odd side"):
        make("aft_conv", 1, D, GRID, side=4)
