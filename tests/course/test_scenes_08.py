"""What chapter 8 draws and counts: squares of patches, shuffled patches, cumulative singular values."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, make
from linviz.course.scenes import ch08

GRID = Grid(1, 6, 8)
N, D = len(GRID), 5


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.randn(3, 1, 1, N, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_pooled_linformer_attends_to_the_means_of_squares(x) -> None:
    q, k, v = x
    m = ch08.pooled_linformer(GRID, D, side=2, value_width=D)
    keys, values = (y[0, 0].view(2, 3, 2, 4, D).mean((1, 3)).flatten(0, 1) for y in (k, v))
    expected = (q[0, 0] @ keys.mT / D ** 0.5).softmax(-1) @ values
    assert torch.allclose(m(q, k, v)[0, 0], expected, atol=1e-12)


@pytest.mark.parametrize("share", ch08.SHUFFLED)
def test_an_order_moves_the_share_it_names(share: float) -> None:
    order = ch08.exchanged_order(share, 100)
    assert sorted(order.tolist()) == list(range(100))
    assert (order != torch.arange(100)).sum() == round(100 * share)


def test_softmax_does_not_notice_a_shuffle_and_linformer_does(x) -> None:
    q, k, v = x
    order = ch08.exchanged_order(1.0, N)
    for spec, notices in (("softmax", False), ("linformer", True)):
        m = make(spec, 1, D, GRID).double().requires_grad_(False)
        change = (ch08.shuffled_output(m, order, q, k, v) - m(q, k, v)).abs().max()
        assert (change > 1e-3) == notices


def test_shuffles_of_every_share_are_drawn(x) -> None:
    q, k, v = x
    m = ch08.pooled_linformer(GRID, D, side=2, value_width=3)
    for share in ch08.SHUFFLED:
        figure = ch08.shuffled_figure(share, m=m, q=q, k=k, colours=v.sigmoid()[..., :3])
        change = torch.tensor(figure.data[1].z)
        assert (change.max() > 1e-3) == (share > 0)
        assert f"{100 * share:.0f} % of the patches" in figure.layout.title.text


def test_shares_of_singular_values_are_drawn_for_every_factor(x) -> None:
    q, k, _ = x
    quarters = []
    for factor in ch08.FACTORS:
        plain, energy = ch08.cumulative_figure(factor, q=q, k=k).data
        a = (factor * q[0, 0] @ k[0, 0].mT / D ** 0.5).softmax(-1)
        s = torch.linalg.svdvals(a)
        assert torch.allclose(torch.tensor(plain.y, dtype=s.dtype), s.cumsum(0) / s.sum(), atol=1e-9)
        assert torch.allclose(torch.tensor(energy.y, dtype=s.dtype), s.square().cumsum(0) / s.square().sum(), atol=1e-9)
        quarters.append(plain.y[N // 4 - 1])
    assert quarters == sorted(quarters, reverse=True)           # sharper maps need more directions
