"""The chart of many clips draws the given numbers, says n at every place, and tells it all in words."""
from __future__ import annotations

import math

from linviz.figures.survey_charts import Distribution, distribution_chart

QUARTILES = [(1.0, 2.0, 3.0, 4.0, 5.0), (2.0, 3.0, 4.0, 5.0, 6.0)]
SOFT = Distribution("softmax", "softmax", "softmax", ["layer 1, head 1", "layer 1, head 2"], [4, 4], [3.0, 4.0],
                    [(2.5, 3.5), (3.0, 5.0)], QUARTILES)
RELU = Distribution("relu", "relu", "kernel", ["layer 1, head 2"], [1], [2.5], [(math.nan, math.nan)], QUARTILES[:1])


def test_boxes_means_and_intervals_are_the_given_numbers() -> None:
    fig = distribution_chart([SOFT, RELU], "entropy (bits)", dark=True)
    box, mean, other_box, other = fig.data
    assert (box.lowerfence, box.q1, box.median, box.q3, box.upperfence) == tuple(zip(*QUARTILES))
    assert mean.y == (3.0, 4.0) and mean.error_y.array == (0.5, 1.0) and other.error_y.array == (None,)
    assert box.x == mean.x and other_box.x == other.x and 0.5 < mean.x[1] < 1 < other.x[0] < 1.5
    assert fig.layout.xaxis.ticktext == ("layer 1, head 1<br>n = 4", "layer 1, head 2<br>n = 1 to 4")
    assert fig.layout.yaxis.title.text == "entropy (bits)"


def test_the_alt_text_has_every_mean_interval_and_n() -> None:
    words = distribution_chart([SOFT, RELU], "entropy (bits)").layout.meta["alt"]
    assert "layer 1, head 2 4 (3 to 5), n = 4" in words and "relu: layer 1, head 2 2.5, n = 1." in words
    assert "nan" not in words
