"""What chapter 10 counts and draws: buckets on a circle, friends that meet, and a row that is found round by round."""
from __future__ import annotations

import math

import pytest
import torch

from linviz import Grid, make
from linviz.course.scenes import ch10
from linviz.figures.hash_circle import hash_circle

from ..cases import every_case

GRID = Grid(Y=6, X=8)
N, QUERY, FRIEND = len(GRID), 11, 30


@pytest.fixture(scope="module")
def rows() -> tuple[torch.Tensor, torch.Tensor]:
    """The rows of a query round by round, and over all keys."""
    x = torch.randn(1, 1, N, 4, generator=torch.Generator().manual_seed(0))
    m = make("reformer", 1, 4, GRID, rounds=8, chunk=4, seed=1)
    full = make("reformer", 1, 4, GRID, full=True).map(x, x, x).rows(torch.tensor([QUERY]))[0, 0, 0]
    return ch10.rows_by_round(m, x, x, QUERY), full


@every_case("angle", ch10.ANGLES)
def test_every_point_is_in_the_bucket_of_its_nearest_direction(angle: int) -> None:
    points = ch10.circle_points()
    figure = ch10.circle_figure(angle, points=points)
    drawn = {trace.name: list(zip(trace.x, trace.y)) for trace in figure.data if trace.mode == "markers"}
    assert sum(len(drawn[f"bucket {n}"]) for n in (1, 2, 3, 4)) == len(points)
    for n in range(4):  # the two directions, then their opposites, a quarter of a turn apart
        for x, y in drawn[f"bucket {n + 1}"]:
            off = (math.degrees(math.atan2(y, x)) - angle - 90 * n) % 360
            assert min(off, 360 - off) <= 45.001, (n, x, y)
    together = ch10.nearest_directions(points[:2], ch10.turned_directions(angle)).unique().numel() == 1
    assert ("in the same bucket" in figure.layout.title.text) == together


def test_friends_meet_as_often_as_their_angle_says() -> None:
    points = ch10.circle_points(apart=20)[:2]
    turns = [ch10.nearest_directions(points, ch10.turned_directions(a + 0.5)) for a in range(90)]
    assert sum(int(b[0] == b[1]) for b in turns) == 70


@every_case("rounds", ch10.ROUNDS)
def test_every_round_is_drawn_and_none_forgets(rows, rounds: int) -> None:
    found, full = rows
    figure = ch10.rounds_figure(rounds, rows=found, full=full, friend=FRIEND, grid=GRID)
    row, whole = (torch.tensor(t.z).flatten() for t in figure.data)
    assert torch.allclose(whole, full * N, rtol=1e-4)
    assert torch.allclose(row, (found[rounds - 1] * N).clamp(max=whole.max()), rtol=1e-4)
    assert ("found" in figure.layout.title.text) == bool(found[rounds - 1, FRIEND] > 0)
    seen = found > 0
    assert bool((seen[max(rounds - 2, 0)] <= seen[rounds - 1]).all())


def test_a_bucket_without_a_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="a bucket needs its direction, and there are 8 markers; got 2 directions and"):
        hash_circle([(1, 0)], [2], [(1, 0), (0, 1)], (0, 0))
