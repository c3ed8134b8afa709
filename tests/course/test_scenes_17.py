"""What chapter 17 draws: half-lives at every setting, two keys at every angle, and recall that keeps the newest."""
from __future__ import annotations

import math

import pytest
import torch

from linviz import Grid
from linviz.course.scenes import ch17

GRID = Grid(3, 4, 5)
QUERY = GRID.number(2, 2, 2)


@pytest.mark.parametrize("half_life", ch17.HALF_LIVES)
def test_half_is_left_after_a_half_life_in_both_orders(half_life: float) -> None:
    figure = ch17.comet_figure(half_life, grid=GRID, query=QUERY)
    raster, frames = (torch.stack([torch.tensor(t.z) for t in figure.data[n:n + 3]]) for n in (0, 3))
    ages = QUERY - torch.arange(len(GRID))
    wanted = torch.where(ages >= 0, 0.5 ** (ages / (20 * half_life)), 0.0)
    assert torch.allclose(raster.flatten(), wanted.float(), atol=1e-6)
    assert torch.allclose(frames, 0.5 ** (torch.tensor([2.0, 1.0, 0.0]) / half_life).view(3, 1, 1).expand(3, 4, 5))
    assert figure.layout.coloraxis.cmax == 1 and f"{half_life:g} frames" in figure.layout.title.text


@pytest.mark.parametrize("degrees", ch17.DEGREES)
def test_two_keys_have_the_weights_that_are_computed_by_hand(degrees: float) -> None:
    turn = math.radians(degrees)
    figure = ch17.two_keys_figure(degrees)
    total, delta = (t.y for t in figure.data if t.type == "bar")
    assert list(total) == pytest.approx([0, math.sin(turn)], abs=1e-9)
    assert list(delta) == pytest.approx([-math.sin(turn) * math.cos(turn), math.sin(turn)], abs=1e-9)
    sign = "zero" if degrees in (0, 90, 180) else "negative" if degrees < 90 else "positive"
    assert figure.layout.title.text.endswith(sign) and f"{degrees:.0f} degrees" in figure.layout.meta["alt"]


def test_a_memory_keeps_its_newest_pairs_only_if_it_erases() -> None:
    few, many = ch17.recall_errors([4, 200], 16, 1.0, 1.0, newest=4)
    drowned = ch17.recall_errors([200], 16, 1.0, 0.0, newest=4)[0]
    assert few < 0.6 and many < 0.8 and drowned > 2.5
