"""The data of a spectrum's figure are the data given; bounds, tolerances, units and words are there."""
from __future__ import annotations

import math

import pytest

from linviz.figures import Line, cumulative, spectrum, theme

SOFT = Line("softmax", "softmax", "softmax", [2.0, 0.5, 0.25, 1e-3], bound=4, tolerance=1e-4)
FLOOR = Line("relu + floor", "relu_floor", "kernel", [1.0, 0.125], bound=2, tolerance=1e-6)
GATE = Line("gate", "relu_floor+gate", "kernel", [1.5, 0.0], bound=2, tolerance=2e-6)
SHARES = [Line(line.title, line.spec, line.family, values, line.bound)
          for line, values in ((SOFT, [0.5, 0.9, 0.99, 1.0]), (FLOOR, [0.75, 1.0]))]


@pytest.mark.parametrize("dark", [False, True])
def test_every_value_is_drawn_as_it_was_given(dark):
    fig = spectrum([SOFT, FLOOR, GATE], dark=dark)
    assert [list(trace.y) for trace in fig.data] == [SOFT.values, FLOOR.values, GATE.values]
    assert [list(trace.x) for trace in fig.data] == [[1, 2, 3, 4], [1, 2], [1, 2]]
    assert [trace.name for trace in fig.data] == ["softmax", "relu + floor", "gate"]
    assert fig.layout.template.layout.paper_bgcolor == theme.PAPER[theme.mode_name(dark)]


def test_both_axes_are_logarithmic_and_say_what_they_are_and_in_which_unit():
    fig = spectrum([SOFT, FLOOR])
    assert fig.layout.yaxis.type == fig.layout.xaxis.type == "log"
    assert fig.layout.yaxis.title.text == "singular value s_k (no unit)"
    assert fig.layout.xaxis.title.text == "k, number of the singular value (largest first)"
    assert spectrum([SOFT], centred=True).layout.yaxis.title.text == "singular value s_k, mean row removed (no unit)"


def test_the_axes_hold_every_value_that_counts_every_bound_and_every_tolerance():
    fig = spectrum([SOFT, FLOOR, GATE])
    low, high = fig.layout.yaxis.range
    assert low < math.log10(1e-6) and high > math.log10(2.0)
    left, right = fig.layout.xaxis.range
    assert left < 0 and right > math.log10(4)


def test_bounds_stand_upright_once_each():
    fig = spectrum([SOFT, FLOOR, GATE])
    bounds = [s for s in fig.layout.shapes if s.name == "bound"]
    assert [(s.x0, s.x1) for s in bounds] == [(4, 4), (2, 2)]
    assert [s.line.color for s in bounds] == [theme.HUES["softmax"], theme.HUES["kernel"]]
    notes = {note.text: note.x for note in fig.layout.annotations}
    assert notes["rank bound 4"] == pytest.approx(math.log10(4))  # on a log axis plotly places words by exponent


def test_tolerances_lie_flat_and_say_whose_they_are():
    fig = spectrum([SOFT, FLOOR, GATE])
    flat = [s for s in fig.layout.shapes if s.name == "tolerance"]
    assert sorted(s.y0 for s in flat) == [1e-6, 2e-6, 1e-4] and all(s.y0 == s.y1 for s in flat)
    words = [note.text for note in fig.layout.annotations if note.text.startswith("counts as zero")]
    assert words == ["counts as zero: relu + floor, gate", "counts as zero: softmax"]


def test_hue_marker_and_dash_come_from_the_theme():
    for trace, line in zip(spectrum([SOFT, FLOOR, GATE]).data, (SOFT, FLOOR, GATE)):
        style = theme.style(line.spec, line.family)
        assert (trace.line.color, trace.marker.symbol, trace.line.dash) == (style.hue, style.marker, style.dash)


def test_the_alt_text_says_what_is_to_be_seen():
    alt = spectrum([SOFT, FLOOR]).layout.meta["alt"]
    assert "softmax: 4 values from 2 to 0.001, rank bound 4, below 0.0001 counts as zero." in alt
    assert "mean row removed" not in alt and "mean row removed" in spectrum([SOFT], centred=True).layout.meta["alt"]


@pytest.mark.parametrize("power, word", [(1, "the sum of s"), (2, "the energy (sum of s^2)")])
def test_cumulative_shares_are_drawn_as_given_up_to_one(power, word):
    fig = cumulative(SHARES, power=power)
    assert [list(trace.y) for trace in fig.data] == [line.values for line in SHARES]
    assert fig.layout.yaxis.title.text == f"share of {word} in the first k (of 1)"
    assert tuple(fig.layout.yaxis.range) == (0, 1.03) and fig.layout.yaxis.type != "log"
    assert [s.x0 for s in fig.layout.shapes if s.name == "bound"] == [4, 2]
    assert fig.layout.meta["alt"].startswith(f"Share of {word} in the first k. softmax: 4 values")


def test_cumulative_knows_two_powers():
    with pytest.raises(ValueError, match="not 3"):
        cumulative(SHARES, power=3)


def test_nothing_to_draw_is_an_empty_figure_that_says_so():
    for fig in (spectrum([]), cumulative([]), spectrum([Line("empty", "softmax", "softmax", [])])):
        assert fig.layout.meta["alt"]
    assert spectrum([]).layout.meta["alt"] == "No spectrum yet."


def test_what_is_given_is_left_alone():
    values = [1.0, 0.5]
    spectrum([Line("mine", "mine", "kernel", values, bound=2, tolerance=1e-7)])
    assert values == [1.0, 0.5]
