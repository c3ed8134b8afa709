"""Sliders: the function behind each draws on its whole grid, the figure follows, and stands still without a kernel."""
from __future__ import annotations

import functools

import pytest
import torch

from linviz import Grid, make
from linviz.course import Live
from linviz.course.scenes import common
from linviz.figures.mime import PLOTLY, mime_bundle

GRID = Grid(1, 5, 6)


@pytest.fixture(scope="module")
def draw():
    """weights_at, as chapter 13 uses it, on small numbers."""
    x = torch.randn(1, 1, 30, 8, generator=torch.Generator().manual_seed(0))
    soft, floor, gated = (make(spec, 1, 8, GRID) for spec in ("softmax", "relu_floor", "relu_floor+gate"))
    return functools.partial(common.strength_figure, m=gated, others=[soft, floor], q=x, k=x, v=x, query=7)


@pytest.mark.parametrize("strength", common.STRENGTHS)
def test_weights_are_drawn_at_every_strength(draw, strength: float) -> None:
    figure = draw(strength)
    gate = list(figure.data[2].y)
    assert sum(gate) == pytest.approx(30, rel=1e-4) and gate == sorted(gate, reverse=True)
    assert figure.data[2].name.endswith(f"strength {strength:.2f}")
    assert len(figure.layout.meta["alt"]) > 20


def test_strength_zero_is_no_gate_and_one_the_gate(draw) -> None:
    gated, (_, floor), x = draw.keywords["m"], draw.keywords["others"], draw.keywords["q"]
    assert list(draw(0.0).data[2].y) == pytest.approx(list(draw(0.0).data[1].y), rel=1e-4)
    full = common.sorted_row(gated.map(x, x, x), 7)
    assert list(draw(1.0).data[2].y) == pytest.approx(full, rel=1e-5)
    assert list(draw(1.0).data[2].y) != pytest.approx(common.sorted_row(floor.map(x, x, x), 7), rel=1e-3)


def test_the_figure_and_its_words_follow_the_slider(draw) -> None:
    live = Live(draw, common.STRENGTHS, label="strength", start=1.0)
    for strength in common.STRENGTHS[-2::-4]:
        live.slider.value = strength
        wanted = mime_bundle(draw(strength))
        (shown,) = live.figure.outputs
        assert shown["data"] == wanted and f"strength {strength:.2f}" in live.words.value


def test_without_a_kernel_there_is_the_still_figure(draw) -> None:
    data = Live(draw, common.STRENGTHS, label="strength", start=0.5)._repr_mimebundle_()
    assert data[PLOTLY]["data"][2]["name"].endswith("strength 0.50")
    assert data["text/plain"] == data[PLOTLY]["layout"]["meta"]["alt"]


def test_a_start_off_the_grid_and_a_mechanism_without_a_gate_are_refused(draw) -> None:
    with pytest.raises(ValueError, match="start must be one of the slider"):
        Live(draw, (0.0, 1.0), label="strength", start=0.5)
    x = torch.rand(1, 1, 30, 8)
    with pytest.raises(ValueError, match=r"softmax has no gate, so its strength cannot be set; add \+gate"):
        common.map_at_strength(make("softmax", 1, 8, GRID), x, x, x, 1.0)
