"""Matrices to scale: boxes have the size and the place that was given, names and notes are there."""
from __future__ import annotations

import pytest

from linviz.figures import theme
from linviz.figures.brackets import Box, Note, bracket_boxes

BOXES = [Box("Q", "4 x 2", 0.1, 0.2, 2, 4, "softmax"), Box("the table", "4 x 4", 3, 0.2, 4, 4, "kernel", made=True)]


@pytest.fixture(params=[False, True])
def figure(request):
    return bracket_boxes(BOXES, [Note("beside", 7.1, 0.2)], said="two matrices", axes=("columns", "rows"), reach=(9, 5),
                    title="To scale", dark=request.param)


def test_boxes_lie_where_they_should_and_are_as_large(figure) -> None:
    for trace, box in zip(figure.data, BOXES, strict=True):
        assert (min(trace.x), min(trace.y)) == (box.left, box.top)
        assert (max(trace.x) - min(trace.x), max(trace.y) - min(trace.y)) == pytest.approx((box.wide, box.high))
        assert trace.line.color == theme.HUES[box.family] and trace.text == f"{box.name}: {box.said}"
    assert figure.layout.yaxis.scaleanchor == "x" and list(figure.layout.yaxis.range) == [5, 0]


def test_what_is_made_is_filled_and_what_is_given_is_named_below(figure) -> None:
    given, made = figure.data
    assert made.fillcolor == theme.HUES["kernel"] and given.fillcolor == "rgba(0,0,0,0)"
    words = {a.text: (a.x, a.y) for a in figure.layout.annotations}
    assert words == {"Q": (1.1, 4.2), "beside": (7.1, 0.2)}


def test_words_and_axes(figure) -> None:
    assert figure.layout.meta["alt"] == "two matrices" and figure.layout.title.text == "To scale"
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("columns", "rows")
