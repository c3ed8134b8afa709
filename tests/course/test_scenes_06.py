"""What chapter 6 draws and counts: a softmax slides, stencils lie along edges, agents grow in number."""
from __future__ import annotations

import math

import pytest
import torch

from linviz import Grid, make
from linviz.course.scenes import ch06

from ..cases import every_case

GRID = Grid(1, 14, 14)
N, D = len(GRID), 16


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.randn(3, 1, 1, N, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_ends_of_the_slide_are_efficient_attention_and_softmax_features(x) -> None:
    q, k, v = x
    efficient = make("efficient", 1, D, GRID).map(q, k, v).dense()
    assert torch.allclose(ch06.slid_map(0.0, q, k).dense(), efficient, atol=1e-12)
    channels = q.softmax(-1) @ k.softmax(-1).mT
    assert torch.allclose(ch06.slid_map(1.0, q, k).dense(), channels / channels.sum(-1, keepdim=True), atol=1e-12)


@every_case("slide", ch06.SLIDES)
def test_rows_sum_to_one_and_the_loudest_patch_falls(slide: float) -> None:
    q, k, _ = torch.randn(3, 1, 1, N, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    a = ch06.slid_map(slide, q, k)
    assert torch.allclose(a.dense().sum(-1), torch.ones(N, dtype=torch.float64))
    assert a.column_sums().max() <= ch06.slid_map(0.0, q, k).column_sums().max() + 1e-9
    figure = ch06.sliding_figure(slide, q=q, k=k, colours=q.sigmoid()[..., :3], grid=GRID)
    heard = torch.tensor(figure.data[1].z).flatten()
    assert torch.allclose(heard.double(), a.column_sums().flatten(), rtol=1e-4)
    assert f"{100 * slide:.0f} %" in figure.layout.title.text and "repainted" in figure.layout.annotations[0].text


@every_case("n", range(ch06.EDGES))
def test_a_stencil_lies_across_the_gradient_and_sums_to_zero(n: int) -> None:
    bar = ch06.edge_stencils(7, D)[:, ch06.FIRST_EDGE + n].view(7, 7)
    assert abs(bar.sum().item()) < 1e-5
    angle = math.pi * (n + 0.5) / ch06.EDGES + math.pi / 2      # along the edge, from the x axis down
    ahead, aside = ((3 + round(2 * math.sin(a)), 3 + round(2 * math.cos(a))) for a in (angle, angle - math.pi / 2))
    assert bar[ahead] > bar[aside] and bar[3, 3] == bar.max()


def test_channels_that_are_no_edges_have_no_stencil() -> None:
    table = ch06.edge_stencils(5, D)
    rest = [d for d in range(D) if not ch06.FIRST_EDGE <= d < ch06.FIRST_EDGE + ch06.EDGES]
    assert table.shape == (25, D) and not table[:, rest].any()


@every_case("side", ch06.AGENTS)
def test_agents_of_every_number_are_drawn(side: float) -> None:
    q, k, _ = torch.randn(3, 1, 1, N, D, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    figure = ch06.agents_figure(side, q=q, k=k, colours=q.sigmoid()[..., :3], grid=GRID, query=5)
    assert figure.layout.title.text.startswith(f"{side ** 2} agents")
    row = torch.tensor(figure.data[1].z)
    assert row.sum().item() == pytest.approx(N, rel=1e-4)
    used = float(figure.layout.title.text.split("rank of ")[1].split(":")[0])
    assert 1 <= used <= side ** 2 + 0.05


def test_contrast_is_a_share_of_the_pictures_own(x) -> None:
    colours = x[0].sigmoid()[..., :3]
    assert ch06.contrast_left(colours, colours) == pytest.approx(100)
    assert ch06.contrast_left(colours / 2, colours) == pytest.approx(50)
