"""What chapter 1 draws: rows at every temperature of the slider, and heads that look beside themselves."""
from __future__ import annotations

import functools

import pytest
import torch

from linviz import Grid, make
from linviz.course.scenes import ch01

GRID = Grid(1, 5, 6)


@pytest.fixture(scope="module")
def draw():
    """warm_row, as chapter 1 uses it, on small numbers."""
    x = torch.randn(1, 1, 30, 8, generator=torch.Generator().manual_seed(0))
    return functools.partial(ch01.temperature_figure, q=x, k=x, v=x, query=7, grid=GRID)


@pytest.mark.parametrize("temperature", ch01.TEMPERATURES)
def test_a_row_is_drawn_at_every_temperature(draw, temperature: float) -> None:
    figure = draw(temperature)
    for trace in figure.data:
        y = list(trace.y)
        assert sum(y) == pytest.approx(30, rel=1e-4) and y == sorted(y, reverse=True)
    assert len(figure.data) == (1 if temperature == 1 else 2)
    assert f"Temperature {temperature:g}:" in figure.layout.title.text and len(figure.layout.meta["alt"]) > 20


def test_a_warmer_row_is_flatter(draw) -> None:
    first = [draw(t).data[-1].y[0] for t in ch01.TEMPERATURES]
    assert first == sorted(first, reverse=True) and first[0] > 1.5 * first[-1]


def test_temperature_one_is_softmax_itself(draw) -> None:
    x = draw.keywords["q"]
    one, plain = (m.map(x, x, x).dense()
                  for m in (ch01.softmax_at_temperature(1.0, 8, GRID), make("softmax", 1, 8, GRID)))
    assert torch.allclose(one, plain)


@pytest.mark.parametrize("down, across", [(0, 0), (0, 1), (-1, 0)])
def test_a_query_moved_by_a_patch_matches_the_patch_beside_it_best(down: int, across: int) -> None:
    scores = (ch01.compass_vectors(GRID, down, across) @ ch01.compass_vectors(GRID).mT)[0, 0]
    for i in range(len(GRID)):
        _, y, x = GRID.place(i)
        if 0 <= y + down < GRID.Y and 0 <= x + across < GRID.X:
            assert scores[i].argmax() == GRID.number(0, y + down, x + across)
