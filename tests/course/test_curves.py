"""Curves, dots and ratios: what is drawn is what was given, with words, units and colours from the closed list."""
from __future__ import annotations

import numpy as np
import pytest

from linviz.figures import colourscale, curves, ratios, style

GATE = ("relu_floor+gate", "kernel")
TWO = [curves.Curve("floor", "relu_floor", "kernel", [1, 2, 3], [2.0, 1.0, 0.5]),
       curves.Curve("gate", *GATE, [1, 2, 3], [9, 1, 1e-9])]
ROWS = [curves.Dots("self", *GATE, [0.3, 0.5], 0.4), curves.Dots("none", "relu", "kernel", [1.2], 1.2)]


@pytest.mark.parametrize("figure", [curves.weight_curves(TWO), curves.strength_curves(TWO, at=2.0)])
def test_lines_are_what_was_given_in_their_mechanisms_looks(figure) -> None:
    for trace, curve in zip(figure.data, TWO, strict=True):
        looks = style(curve.spec, curve.family)
        assert list(trace.x) == curve.x and list(trace.y) == curve.y and trace.name == curve.title
        assert (trace.line.color, trace.line.dash) == (looks.hue, looks.dash)
    assert figure.data[0].line.dash != figure.data[1].line.dash  # told apart without colour


def test_words_repeat_the_numbers() -> None:
    assert "gate: from 9 to less than 0.0001 fair shares" in curves.weight_curves(TWO).layout.meta["alt"]
    fitted = curves.fit_curve(TWO[0], {"none": 1.5}).layout.meta["alt"]
    assert "from 2 bits at step 1 to 0.5 bits at step 3. Level: none 1.5" in fitted
    words = curves.ablation_dots(ROWS, axis="KL (bits)", levels={"floor": 1.3}).layout.meta["alt"]
    assert words == ("KL (bits), one row per variant. "
                     "self: mean 0.4 of 2 runs, 0.3 to 0.5. none: 1.2. Level: floor 1.3.")


def test_the_line_of_a_fair_share_and_its_label_are_at_one() -> None:
    figure = curves.weight_curves(TWO)
    assert figure.layout.shapes[0].y0 == 1 and figure.layout.annotations[0].y == 0 and figure.layout.yaxis.type == "log"


def test_every_run_is_a_dot_and_the_first_row_is_on_top() -> None:
    figure = curves.ablation_dots(ROWS, axis="KL (bits)", better="left is nearer", levels={"floor": 1.3})
    drawn = {t.name: list(t.x) for t in figure.data if t.name}
    ticks = [t.x[0] for t in figure.data if not t.name]
    assert drawn == {"self": [0.3, 0.5], "none": [1.2]} and ticks == [0.4, 1.2]
    assert list(figure.layout.yaxis.categoryarray) == ["none", "self"]
    assert figure.layout.shapes[0].x0 == 1.3


def test_ratios_are_two_heat_maps_on_one_scale() -> None:
    q, k = -np.arange(6.0).reshape(2, 3), np.zeros((2, 3))
    figure = ratios.ratio_heatmaps(q, k, ["lightness", "row"], tokens="patches")
    assert np.array_equal(figure.data[0].z, q.astype("float32")) and np.array_equal(figure.data[1].z, k)
    assert list(figure.data[0].y) == ["lightness", "row"] and figure.layout.xaxis.title.text == "patches"
    bar = figure.layout.coloraxis
    assert [list(stop) for stop in bar.colorscale] == colourscale("cividis") and (bar.cmin, bar.cmax) == (-4, 0)
    assert dict(zip(bar.colorbar.tickvals, bar.colorbar.ticktext, strict=True))[-2] == "0.01"
    assert "Queries: ratios from 1e-05 to 1." in figure.layout.meta["alt"]


def test_pictures_lie_as_the_patches_do() -> None:
    maps = -np.arange(24.0).reshape(2, 3, 4)
    figure = ratios.ratio_pictures(maps, ["lightness", "row"])
    assert np.array_equal(figure.data[1].z, maps[1].astype("float32"))
    assert all(axis.showgrid is False and axis.constrain == "domain"           # or the grid stands out around them
               for axis in [*figure.select_xaxes(), *figure.select_yaxes()])
    assert figure.layout.yaxis.autorange == "reversed" and "3 x 4 patches" in figure.layout.meta["alt"]
