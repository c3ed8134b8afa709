"""Measured points are filled, estimates are hollow and say so, and a line stands at N."""
from __future__ import annotations

from linviz.figures.cost_charts import CostSeries, cost_chart
from linviz.figures.growth import Axis
from linviz.figures.theme import style


def test_estimates_are_hollow_and_named_and_the_formula_is_a_line() -> None:
    row = CostSeries("linear", "linear", "kernel", [49, 100, 196], [1.0, 2.0, 4.0], [True, True, False],
                     [49.0, 196.0], [1.0, 4.0])
    points, line, *more = cost_chart([row], Axis("ms", log=True), 100).data
    marker = style("linear", "kernel").marker
    assert not more and list(points.marker.symbol) == [marker, marker, f"{marker}-open"]
    assert list(points.text) == ["", "", "estimate"] and points.mode == "markers+text"
    assert (list(line.x), list(line.y), line.mode) == ([49.0, 196.0], [1.0, 4.0], "lines")
    assert cost_chart([row], Axis("ms", log=True), 100).layout.shapes[0].x0 == 100
