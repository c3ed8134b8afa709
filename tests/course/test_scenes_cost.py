"""What chapter 2 draws: tables and brackets of clips, at every side of the slider."""
from __future__ import annotations

import pytest
import torch

from linviz import Grid, make
from linviz.cost import tensor_bytes
from linviz.course.scenes import ch02


@pytest.mark.parametrize("side", ch02.SIDES)
def test_every_side_is_drawn_from_the_same_counts(side: float) -> None:
    figure = ch02.clip_bytes_figure(side)
    whole, frames, bracket = (list(trace.y) for trace in figure.data)
    assert whole[3] == 4 * (8 * side * side) ** 2 == 8 * frames[3] and whole[0] == frames[0]
    assert len(set(bracket)) == 1
    assert f"{side} × {side}" in figure.layout.title.text and "frames" in figure.layout.meta["alt"]


def test_all_sides_share_one_axis_that_holds_their_lines() -> None:
    drawn = [ch02.clip_bytes_figure(side) for side in ch02.SIDES]
    low, high = drawn[0].layout.yaxis.range
    assert all(tuple(f.layout.yaxis.range) == (low, high) for f in drawn)
    assert all(10 ** low < y < 10 ** high for f in drawn for trace in f.data for y in trace.y)


def test_bytes_are_those_of_the_tensors() -> None:
    x = torch.rand(1, 1, 12, 8)
    assert ch02.table_bytes(12) == tensor_bytes(make("softmax", 1, 8, Grid(X=12)).map(x, x, x).dense())
    assert ch02.bracket_bytes(8) == tensor_bytes([x[0, 0].mT @ x[0, 0], x[0, 0].sum(0)])
