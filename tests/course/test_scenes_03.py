"""What chapter 3 draws: copies of a map are the nearest there are, on every place of the slider."""
from __future__ import annotations

import functools

import pytest
import torch

from linviz import Grid, make
from linviz.course.scenes import ch03
from linviz.spectra import numerical_rank

GRID = Grid(1, 16, 17)


@pytest.fixture(scope="module")
def a():
    x = torch.randn(2, 1, 1, len(GRID), 8, generator=torch.Generator().manual_seed(0))
    return make("softmax", 1, 8, GRID).map(x[0], x[1], x[1])


@pytest.fixture(scope="module")
def draw(a):
    """rebuilt_at, as chapter 3 uses it."""
    return functools.partial(ch03.rebuilt_figure, pieces=ch03.Pieces.of(a), query=40, grid=GRID)


@pytest.mark.parametrize("k", ch03.DIRECTIONS)
def test_a_row_is_rebuilt_at_every_place_of_the_slider(a, draw, k: int) -> None:
    figure = draw(k)
    whole, copy = (torch.tensor(trace.z) for trace in figure.data)
    assert torch.allclose(whole.flatten(), a.rows(torch.tensor([40]))[0, 0, 0] * len(GRID), atol=1e-4)
    wanted = draw.keywords["pieces"].copy(k).rows(torch.tensor([40]))[0, 0, 0] * len(GRID)
    assert torch.allclose(copy.flatten(), wanted, atol=1e-4) and f"from {k} of 272" in figure.layout.title.text
    assert "of the map's energy" in figure.layout.meta["alt"] and figure.layout.coloraxis.cmid == 0


def test_a_copy_misses_by_just_the_values_it_leaves_out(a) -> None:
    pieces, whole = ch03.Pieces.of(a), a.dense()[0, 0].double()
    for k in (1, 5, 40):
        copy = pieces.copy(k)
        missed = (copy.dense()[0, 0] - whole).square().sum() / whole.square().sum()
        assert missed.item() == pytest.approx(pieces.lost(k), rel=1e-3) and copy.rank_bound == k
    with pytest.raises(ValueError, match="has 1 to 272 directions; got 0"):
        pieces.copy(0)


@pytest.mark.parametrize("seed", range(3))
def test_the_quiet_map_has_rank_twenty_and_float32_says_four(seed: int) -> None:
    a = ch03.quiet_map(seed=seed)
    table = a.dense()[0, 0].float()
    assert torch.linalg.matrix_rank(table) == 4 and torch.linalg.matrix_rank(table.double()) > 700
    assert numerical_rank(a.singular_values(), a.tolerance) == 20
