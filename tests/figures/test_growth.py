"""Trends: what is drawn is what was given, with words, axes and looks."""
from __future__ import annotations

from linviz.figures import style
from linviz.figures.growth import Axis, Trend, trend_lines

TWO = [Trend("picture", "softmax", "softmax", [7, 14], [2401, 38416]),
       Trend("bracket", "relu_floor", "kernel", [7, 14], [49, 196], dash="dot")]


def test_lines_are_what_was_given_in_their_looks() -> None:
    figure = trend_lines(TWO, Axis("side"), Axis("pairs", log=True))
    for trace, line in zip(figure.data, TWO, strict=True):
        looks = style(line.spec, line.family)
        assert list(trace.x) == line.x and list(trace.y) == line.y and trace.name == line.title
        assert (trace.line.color, trace.line.dash) == (looks.hue, line.dash or looks.dash)


def test_words_tell_where_lines_begin_and_end_and_what_is_marked() -> None:
    words = trend_lines(TWO, Axis("side"), Axis("pairs"), levels={"a page": 1e4}, at={"ViT": 14.0}).layout.meta["alt"]
    assert words == ("Pairs over side. picture: from 2.4e+03 at 7 to 3.84e+04 at 14. bracket: from 49 at 7 to 196 at "
                     "14. Level: a page 1e+04. Vertical line: ViT at 14.")


def test_axes_have_titles_kinds_and_marks() -> None:
    figure = trend_lines(TWO, Axis("side", True, {"7": 7, "14": 14}), Axis("pairs"), title="All pairs")
    assert figure.layout.xaxis.type == "log" and list(figure.layout.xaxis.ticktext) == ["7", "14"]
    assert figure.layout.yaxis.title.text == "pairs" and figure.layout.yaxis.type is None
    assert figure.layout.yaxis.tickvals is None
    assert figure.layout.title.text == "All pairs"
    assert trend_lines(TWO, Axis("x"), Axis("y"), at={"here": 7.0}).layout.shapes[0].x0 == 7


def test_marks_of_a_logarithmic_axis_are_written_out() -> None:
    axis = trend_lines(TWO, Axis("side"), Axis("pairs", log=True)).layout.yaxis
    assert list(axis.ticktext) == ["10", "100", "1,000", "10,000", "100,000"]
    assert list(axis.tickvals) == [10, 100, 1000, 1e4, 1e5]
