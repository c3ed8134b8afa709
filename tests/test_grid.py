"""Token numbers and places."""
import pytest
import torch

from linviz import Grid


@pytest.mark.parametrize("grid", [Grid(), Grid(2, 3, 4), Grid(3, 1, 5, prefix=2)], ids=str)
def test_number_and_place_undo_each_other(grid: Grid) -> None:
    places = grid.places().tolist()
    assert len(grid) == grid.prefix + len(places)
    for i, place in enumerate(places, grid.prefix):
        assert grid.place(i) == tuple(place) and grid.number(*place) == i


def test_tokens_run_along_rows_then_down_then_on() -> None:
    first = [[0, 0, 0], [0, 0, 1], [0, 0, 2], [0, 1, 0], [0, 1, 1], [0, 1, 2], [1, 0, 0]]
    assert Grid(2, 2, 3).places().tolist()[:7] == first


def test_fold_puts_a_token_where_it_lies() -> None:
    grid = Grid(2, 3, 4, prefix=1)
    x = torch.arange(len(grid)).float()[:, None]
    assert grid.fold(x)[1, 2, 3, 0] == grid.number(1, 2, 3)
    assert torch.equal(grid.unfold(grid.fold(x)), x[1:])


def test_centres_are_down_then_across() -> None:
    assert Grid(1, 2, 3).centres(10)[Grid(1, 2, 3).number(0, 1, 2)].tolist() == [15.0, 25.0]


def test_within_is_the_corner_of_the_larger() -> None:
    small, large = Grid(1, 2, 2), Grid(1, 3, 5)
    table = torch.arange(15)
    assert table[small.within(large)].tolist() == [0, 1, 5, 6]


@pytest.mark.parametrize(("call", "says"), [
    (lambda: Grid(T=0), "at least one frame"), (lambda: Grid(prefix=-1), "prefix of 0 or more"),
    (lambda: Grid(2, 2, 2).number(2, 0, 0), "frame 2 is outside the range 0..1"),
    (lambda: Grid(2, 2, 2).place(8), "token 8 has no position"),
    (lambda: Grid(prefix=1).place(0), "token 0 has no position"),
    (lambda: Grid(2, 2, 2).fold(torch.zeros(7, 1)), "7 tokens do not fit")])
def test_mistakes_get_a_sentence(call, says: str) -> None:
    with pytest.raises((ValueError, IndexError), match=says):
        call()
