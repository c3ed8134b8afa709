"""Charts of concentration and heat maps of weights: what is drawn is what was given, with words and units."""
from __future__ import annotations

import math

import numpy as np
import pytest

from linviz.figures import colourscale, curves, heat, style
from linviz.figures import concentration_charts as charts

ROWS = [charts.Counts("soft", "softmax", "softmax", {"participation": 2.9, "support": 3.0}),
        charts.Counts("floor", "relu_floor", "kernel", {"participation": 505.0, "support": 616.0})]


def test_counts_are_markers_on_a_line_a_way_of_counting() -> None:
    figure = charts.count_chart(ROWS, most=784)
    for trace, row in zip(figure.data, ROWS, strict=True):
        assert list(trace.x) == list(row.values.values()) and list(trace.y) == list(row.values)
        assert trace.marker.symbol == style(row.spec, row.family).marker
    assert figure.data[0].text == ("2.9", "3.0") and figure.data[1].text == ("505", "616")
    assert figure.layout.xaxis.type == "log" and list(figure.layout.yaxis.categoryarray) == ["support", "participation"]
    assert "floor: participation 505, support 616." in figure.layout.meta["alt"]


def test_parts_are_stacked_to_one_and_told_apart_without_colour() -> None:
    made = {"pair": [1.0, 0.4], "key": [0.0, 0.25], "nobody": [0.0, 0.35]}
    figure = charts.parts_chart([0.0, 0.5], made, axis="floor c", at={"usual": 0.25})
    assert [list(t.y) for t in figure.data] == list(made.values()) and {t.stackgroup for t in figure.data} == {"row"}
    assert len({t.fillpattern.shape for t in figure.data}) == 3
    assert figure.layout.shapes[0].x0 == 0.25 and "pair: from 1.00 to 0.40." in figure.layout.meta["alt"]


def test_the_plane_has_a_point_a_map_a_trail_and_levels_where_they_belong() -> None:
    trail = curves.Curve("focused", "focused", "kernel", [8.9, 6.2], [16, 16])
    points = [charts.Point("softmax", "softmax", "softmax", 6.4, 641)]
    figure = charts.plane_chart(points, trail, ["p=1", "p=16"], most=784, levels={"convolution": 783})
    assert list(figure.data[0].x) == [8.9, 6.2] and list(figure.data[0].text) == ["p=1", "p=16"]
    assert (figure.data[1].x[0], figure.data[1].y[0]) == (6.4, 641)
    label = next(a for a in figure.layout.annotations if a.text == "convolution")
    assert figure.layout.shapes[0].y0 == 783 and label.y == pytest.approx(math.log10(783))  # on a log axis
    words = figure.layout.meta["alt"]
    assert "softmax: 6.4 bits, rank 641." in words and "p=16 6.2 bits, rank 16" in words and "rank 783" in words


def test_tables_and_places_share_one_scale_from_the_closed_list() -> None:
    maps = np.arange(24.0).reshape(2, 3, 4)
    for figure in (heat.map_tables(maps, ["a", "b"], bar="weight", top=12.0),
                   heat.patch_panels(maps, ["a", "b"], bar="weight", top=12.0, columns=2)):
        assert [np.array_equal(t.z, m) for t, m in zip(figure.data, maps, strict=True)] == [True, True]
        assert {t.coloraxis for t in figure.data} == {"coloraxis"}
        bar = figure.layout.coloraxis
        assert (bar.cmin, bar.cmax) == (0, 12) and [list(x) for x in bar.colorscale] == colourscale("cividis")
        assert figure.layout.yaxis.autorange == figure.layout.yaxis2.autorange == "reversed"  # row 0 on top
        assert "a: from 0 to 11." in figure.layout.meta["alt"].lower()
    assert figure.layout.xaxis2.title.text is None


def test_a_table_names_its_axes() -> None:
    figure = heat.map_tables(np.eye(3)[None], ["identity"], bar="weight", top=1.0, said="A diagonal.")
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("key j", "query i")
    assert figure.layout.meta["alt"] == "A heat map of 3 queries (down) by 3 keys (across). A diagonal."
